#include "backend/cpu/memory.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "util/check.h"

namespace chainrule {

namespace {

std::atomic<int64_t> held{0}, peak{0};
std::atomic<int64_t> allocations{0};

constexpr int64_t alignment = 64;
constexpr int64_t huge_page = int64_t{1} << 21;

int64_t rounded(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

// Large blocks begin at the boundary of a huge page and request huge pages. A product that reads a large weight column
// by column touches one page per row, so with small pages it would wait for address translation (TLB misses).
char* allocate_aligned(int64_t bytes) {
  if (bytes > INT64_MAX - huge_page) return nullptr;
  const bool large = bytes >= huge_page;
  void* memory = nullptr;
  // posix_memalign, because the size given to aligned_alloc must be a multiple of the alignment.
  if (posix_memalign(&memory, static_cast<size_t>(large ? huge_page : alignment),
                     static_cast<size_t>(rounded(bytes))) != 0) {
    return nullptr;
  }
#if defined(__linux__)
  if (large) {
    madvise(memory, static_cast<size_t>(bytes / huge_page * huge_page),
            MADV_HUGEPAGE);  // only a request: the system may refuse it
  }
#endif
  return static_cast<char*>(memory);
}

// Returns the number that follows a word in a system file, times `unit`. Returns INT64_MAX if there is no such number.
// An empty word means the first number of the file.
int64_t number_in(const char* file, const std::string& word, int64_t unit) {
  std::ifstream in(file);
  std::string next;
  while (!word.empty() && in >> next && next != word) {
  }
  int64_t number = 0;
  return in >> number ? number * unit : INT64_MAX;
}

}  // namespace

char* allocate_counted(int64_t bytes) {
  REQUIRE(bytes >= 0, "memory: expected a size of 0 or more bytes, but got ", bytes);
  if (bytes == 0) return nullptr;
  char* memory = allocate_aligned(bytes);
  if (memory == nullptr) throw Error(message("out of native memory: ", bytes, " bytes were needed"));
  std::memset(memory, 0, static_cast<size_t>(rounded(bytes)));
  const int64_t now = held.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  for (int64_t most = peak; now > most && !peak.compare_exchange_weak(most, now);) {
  }
  allocations.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void release_counted(char* memory, int64_t bytes) {
  if (memory == nullptr) return;
  std::free(memory);
  held.fetch_sub(bytes, std::memory_order_relaxed);
}

int64_t counted_bytes() { return held.load(std::memory_order_relaxed); }
int64_t counted_allocations() { return allocations.load(std::memory_order_relaxed); }

MemoryBytes native_memory() {
  MemoryBytes bytes;
  bytes.held = counted_bytes();
  bytes.peak = peak.load(std::memory_order_relaxed);
  bytes.allocations = counted_allocations();
  bytes.total = number_in("/proc/meminfo", "MemTotal:", 1024);
  bytes.free = number_in("/proc/meminfo", "MemAvailable:", 1024);
  const int64_t limit = number_in("/sys/fs/cgroup/memory.max", "", 1);
  if (limit < bytes.total) {
    bytes.total = limit;
    bytes.free =
        std::clamp<int64_t>(limit - number_in("/sys/fs/cgroup/memory.current", "", 1), 0, bytes.free);
  }
  return bytes;
}

}  // namespace chainrule
