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

int64_t in_slab(int64_t bytes) { return (bytes + 255) / 256 * 256; }

void give_back(char* slab) noexcept {
  allow(slab, PinnedPool::slab_bytes, true);
  release_pinned(slab);
}

}  // namespace

PinnedPool::~PinnedPool() {
  for (const auto& slab : slabs_) give_back(slab.first);
}

char* PinnedPool::allocate(int64_t bytes) {
  if (bytes > most_in_slab_) return allocate_pinned(bytes);
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [slab, gaps] : slabs_) {
    if (char* const memory = take(slab, &gaps, bytes)) return memory;
  }
  char* const slab = add_slab();
  return take(slab, &slabs_[slab], bytes);
}

// Null when no gap is large enough.
char* PinnedPool::take(char* slab, Gaps* gaps, int64_t bytes) {
  const int64_t size = in_slab(bytes);
  for (auto gap = gaps->begin(); gap != gaps->end(); ++gap) {
    if (gap->second < size) continue;
    const auto [offset, whole] = *gap;
    if (whole > size) gaps->emplace(offset + size, whole - size);  // before anything is changed: it may throw
    gaps->erase(gap);
    allow(slab + offset, bytes, true);
    return slab + offset;
  }
  return nullptr;
}

char* PinnedPool::add_slab() {
  std::unique_ptr<char, PinnedDeleter> made(allocate_pinned(slab_bytes));
  slabs_[made.get()] = {{0, slab_bytes}};
  allow(made.get(), slab_bytes, false);
  return made.release();
}

void PinnedPool::release(char* memory, int64_t bytes) noexcept {
  if (bytes > most_in_slab_) return release_pinned(memory);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = slabs_.lower_bound(memory);  // the last slab that does not begin behind it
  auto& [slab, gaps] = *found;
  allow(memory, bytes, false);
  int64_t offset = memory - slab, size = in_slab(bytes);
  // one with its neighbours
  const auto next = gaps.lower_bound(offset);
  if (next != gaps.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      gaps.erase(before);
    }
  }
  if (next != gaps.end() && next->first == memory - slab + in_slab(bytes)) {
    size += next->second;
    gaps.erase(next);
  }
  if (size == slab_bytes && slabs_.size() > 1) {
    give_back(slab);
    slabs_.erase(found);
    return;
  }
  try {
    gaps.emplace(offset, size);
  } catch (const std::bad_alloc&) {  // nobody gets it again
  }
}

}  // namespace cuda
}  // namespace chainrule
