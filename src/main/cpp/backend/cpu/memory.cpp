#include "backend/cpu/memory.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

#include "util/check.h"

namespace chainrule {

namespace {

std::atomic<int64_t> held{0};
std::atomic<int64_t> asked{0};

constexpr int64_t alignment = 64;

int64_t rounded(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace

char* allocate_counted(int64_t bytes) {
  REQUIRE(bytes >= 0, "memory: expected a size that is not negative, but ", bytes, " bytes were asked for");
  if (bytes == 0) return nullptr;
  void* memory = bytes > INT64_MAX - alignment ? nullptr
                                               : std::aligned_alloc(static_cast<size_t>(alignment),
                                                                    static_cast<size_t>(rounded(bytes)));
  if (memory == nullptr) throw Error(message("out of native memory: ", bytes, " bytes were needed"));
  std::memset(memory, 0, static_cast<size_t>(rounded(bytes)));
  held.fetch_add(bytes, std::memory_order_relaxed);
  asked.fetch_add(1, std::memory_order_relaxed);
  return static_cast<char*>(memory);
}

void release_counted(char* memory, int64_t bytes) {
  if (memory == nullptr) return;
  std::free(memory);
  held.fetch_sub(bytes, std::memory_order_relaxed);
}

int64_t counted_bytes() { return held.load(std::memory_order_relaxed); }
int64_t counted_allocations() { return asked.load(std::memory_order_relaxed); }

}  // namespace chainrule
