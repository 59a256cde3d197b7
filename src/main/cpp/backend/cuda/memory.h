// An engine's memory: blocks of a device's and of the processor's pinned memory, counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "backend/backend.h"
#include "backend/cuda/device.h"
#include "backend/cuda/pinned.h"

namespace chainrule {
namespace cuda {

struct QueueDeleter {
  void operator()(Queue* queue) const { destroy(queue); }
};
struct PoolDeleter {
  void operator()(Pool* pool) const { destroy(pool); }
};

// The device memory that this process keeps of one device, for all engines that it has there. What is freed stays, and
// goes to whoever asks next: cudaMalloc would ask the driver each time, and cudaFree wait for all that the device has to
// do, other callers' work too. When the last block has been freed, the device's other users get what is beyond kept_bytes:
// a model after the other, each with workspaces of 32 MiB, asks for nothing. Blocks change hands in the order of one queue, which knows nothing of the work of others:
// who releases a block must have waited for all work that uses it.
class DevicePool {
 public:
  static constexpr int64_t kept_bytes = int64_t{256} << 20;

  // That of the device, made by the first engine. CHAINRULE_CUDA_POOL=0: without keeping anything, by cudaMalloc, so that
  // tools see where each block ends, and pinned blocks without slabs. So is device memory where the device has no pools.
  static std::shared_ptr<DevicePool> of(int32_t device);
  DevicePool(int32_t device, bool keeps);

  // Not zeroed, aligned to 256 bytes. When there is no memory, what is kept for later is given back first; then throws
  // Error, which says how much was needed and how much is free.
  char* allocate(int64_t bytes);
  void release(char* memory, int64_t bytes) noexcept;

  // What could still be had, by engines of this process: what the device has free and what is kept for later.
  DeviceBytes available();

  PinnedPool& pinned() { return pinned_; }

 private:
  char* try_to_allocate(int64_t bytes);
  void give_back(int64_t keep);
  DeviceBytes available_now();

  std::mutex mutex_;
  const std::unique_ptr<Queue, QueueDeleter> queue_;
  const std::unique_ptr<Pool, PoolDeleter> pool_;  // null: nothing is kept
  int64_t held_ = 0;                               // by engines
  PinnedPool pinned_;
};

// Waits until the queue has nothing to do, whatever has failed: before what it may still use is released.
void finish(Queue* queue) noexcept;

enum class MemoryKind { device, pinned };

class EngineMemory {
 public:
  explicit EngineMemory(int32_t device) : pool_(DevicePool::of(device)) {}

  // Not zeroed. Throws Error when there is none. The same number of bytes when it is released.
  char* allocate(MemoryKind kind, int64_t bytes);
  void release(MemoryKind kind, char* memory, int64_t bytes) noexcept;

  MemoryBytes bytes();

 private:
  const std::shared_ptr<DevicePool> pool_;
  std::atomic<int64_t> held_{0}, peak_{0}, pinned_{0}, allocations_{0};
};

// A block that grows.
class Block {
 public:
  Block(EngineMemory& memory, MemoryKind kind) : memory_(&memory), kind_(kind) {}
  Block(Block&& other) noexcept;
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() { release(); }

  // At least this many bytes, not zeroed; what was there is lost when it grows.
  void reserve(int64_t bytes);
  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

  // The memory becomes the caller's.
  char* take();

 private:
  void release() noexcept;

  EngineMemory* memory_;
  MemoryKind kind_;
  char* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace cuda
}  // namespace chainrule
