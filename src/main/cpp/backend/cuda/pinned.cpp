#include "backend/cuda/pinned.h"

#include <iterator>
#include <memory>
#include <new>
#include <utility>

#include "backend/cuda/device.h"
#include "util/sanitizer.h"

namespace chainrule {
namespace cuda {

namespace {

struct PinnedDeleter {
  void operator()(char* memory) const { release_pinned(memory); }
};

int64_t size_in_slab(int64_t bytes) { return (bytes + 255) / 256 * 256; }

void free_slab(char* slab) noexcept {
  allow(slab, PinnedPool::slab_bytes, true);
  release_pinned(slab);
}

}  // namespace

PinnedPool::~PinnedPool() {
  for (const auto& slab : slabs_) free_slab(slab.first);
}

char* PinnedPool::allocate(int64_t bytes) {
  if (bytes > most_in_slab_) return allocate_pinned(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [slab, gaps] : slabs_) {
    if (char* const memory = allocate_in(slab, &gaps, bytes)) return memory;
  }
  char* const slab = add_slab();
  return allocate_in(slab, &slabs_[slab], bytes);
}

// Returns null if no gap is large enough.
char* PinnedPool::allocate_in(char* slab, Gaps* gaps, int64_t bytes) {
  const int64_t size = size_in_slab(bytes);
  for (auto gap = gaps->begin(); gap != gaps->end(); ++gap) {
    if (gap->second < size) continue;
    const auto [offset, whole] = *gap;
    if (whole > size) gaps->emplace(offset + size, whole - size);  // first, because it may throw
    gaps->erase(gap);
    allow(slab + offset, bytes, true);
    return slab + offset;
  }
  return nullptr;
}

char* PinnedPool::add_slab() {
  std::unique_ptr<char, PinnedDeleter> slab(allocate_pinned(slab_bytes));
  slabs_[slab.get()] = {{0, slab_bytes}};
  allow(slab.get(), slab_bytes, false);
  return slab.release();
}

void PinnedPool::release(char* memory, int64_t bytes) noexcept {
  if (bytes > most_in_slab_) return release_pinned(memory);
  const std::lock_guard<std::mutex> lock(mutex_);
  // The map is in descending order of addresses, so this is the last slab at or before `memory`.
  const auto found = slabs_.lower_bound(memory);
  auto& [slab, gaps] = *found;
  allow(memory, bytes, false);
  int64_t offset = memory - slab, size = size_in_slab(bytes);
  // Merge the gap with its neighbours.
  const auto next = gaps.lower_bound(offset);
  if (next != gaps.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      gaps.erase(before);
    }
  }
  if (next != gaps.end() && next->first == memory - slab + size_in_slab(bytes)) {
    size += next->second;
    gaps.erase(next);
  }
  if (size == slab_bytes && slabs_.size() > 1) {
    free_slab(slab);
    slabs_.erase(found);
    return;
  }
  try {
    gaps.emplace(offset, size);
  } catch (const std::bad_alloc&) {  // The memory cannot be reused.
  }
}

}  // namespace cuda
}  // namespace chainrule
