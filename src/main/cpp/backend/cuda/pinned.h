// A pool of pinned host memory. It calls CUDA rarely, because a CUDA allocation takes about as long for 512 bytes as
// for a megabyte, and freeing memory may wait for the device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace chainrule {
namespace cuda {

// Small blocks (at most most_in_slab bytes) are ranges of slabs, which are blocks of slab_bytes that CUDA allocates.
// They are allocated first-fit. CUDA allocates each larger block directly. Thread-safe.
class PinnedPool {
 public:
  static constexpr int64_t slab_bytes = 1 << 20, most_in_slab = slab_bytes / 8;

  // If `in_slabs` is false, CUDA allocates every block directly.
  explicit PinnedPool(bool in_slabs) : most_in_slab_(in_slabs ? most_in_slab : 0) {}
  PinnedPool(const PinnedPool&) = delete;
  PinnedPool& operator=(const PinnedPool&) = delete;
  ~PinnedPool();  // All blocks must have been released.

  // Returns memory that is aligned to 256 bytes and not zeroed. Throws Error if there is not enough memory.
  char* allocate(int64_t bytes);
  // Another caller may get the memory at once. Therefore all work that uses the block must have finished. Frees the
  // block's slab if the slab becomes unused and is not the only slab.
  void release(char* memory, int64_t bytes) noexcept;

 private:
  using Gaps = std::map<int64_t, int64_t>;  // the unused parts of a slab: sizes by offset; never adjacent

  char* allocate_in(char* slab, Gaps* gaps, int64_t bytes);
  char* add_slab();

  const int64_t most_in_slab_;
  std::mutex mutex_;
  std::map<char*, Gaps, std::greater<char*>> slabs_;  // by address
};

}  // namespace cuda
}  // namespace chainrule
