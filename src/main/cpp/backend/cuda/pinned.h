// Pinned memory of the processor's in blocks, of which CUDA is asked for few: it takes about as long for 512 bytes as for a
// megabyte, and freeing may wait for the device.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace chainrule {
namespace cuda {

// Small blocks are parts of slabs, the first part that is large enough; a large one is CUDA's own. Any number of threads.
class PinnedPool {
 public:
  static constexpr int64_t slab_bytes = 1 << 20, most_in_slab = slab_bytes / 8;

  // Without slabs every block is CUDA's own.
  explicit PinnedPool(bool in_slabs) : most_in_slab_(in_slabs ? most_in_slab : 0) {}
  PinnedPool(const PinnedPool&) = delete;
  PinnedPool& operator=(const PinnedPool&) = delete;
  ~PinnedPool();  // every block has been released

  // Not zeroed, aligned to 256 bytes. Throws Error when there is no memory.
  char* allocate(int64_t bytes);
  // The next to ask may get the memory: who releases a block must have waited for all work that uses it. The last slab stays
  // when nothing in it is used any more.
  void release(char* memory, int64_t bytes) noexcept;

 private:
  using Gaps = std::map<int64_t, int64_t>;  // what nobody holds: bytes, by offset; no two touch each other

  char* take(char* slab, Gaps* gaps, int64_t bytes);
  char* add_slab();

  const int64_t most_in_slab_;
  std::mutex mutex_;
  std::map<char*, Gaps, std::greater<char*>> slabs_;  // by address
};

}  // namespace cuda
}  // namespace chainrule
