// An engine's memory: blocks of device memory and of pinned host memory, and their statistics.
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

// The memory pool of one device. All engines of the process on that device share it. Thread-safe.
//
// Freed memory stays in the pool and is reused, because cudaMalloc calls the driver each time and cudaFree waits for
// all work of the device, including other callers' work. When the last block has been freed, the pool returns all
// memory beyond kept_bytes to the device. So models that are used one after another, each with workspaces of 32 MiB,
// need no new memory.
//
// The pool's own queue orders allocations and frees. That queue does not wait for the work of other queues. Therefore
// the caller must wait for all work that uses a block before it releases the block.
class DevicePool {
 public:
  static constexpr int64_t kept_bytes = int64_t{256} << 20;

  // Returns the device's pool, which the device's first engine creates.
  // With CHAINRULE_CUDA_POOL=0 the pool keeps no memory: cudaMalloc allocates every device block, so that tools see
  // where a block ends, and pinned blocks are not parts of slabs (pinned.h). If the device does not support pools,
  // cudaMalloc allocates device memory.
  static std::shared_ptr<DevicePool> of(int32_t device);
  DevicePool(int32_t device, bool keeps);

  // Returns memory that is aligned to 256 bytes and not zeroed. If there is not enough, the pool returns its unused
  // memory to the device and tries again. Then throws Error with the needed and the free number of bytes.
  char* allocate(int64_t bytes);
  void release(char* memory, int64_t bytes) noexcept;

  // Returns what engines of this process can still allocate: the device's free memory and the pool's unused memory.
  DeviceBytes available();

  PinnedPool& pinned() { return pinned_; }

 private:
  char* try_to_allocate(int64_t bytes);
  void trim_to(int64_t keep);
  DeviceBytes available_now();

  std::mutex mutex_;
  const std::unique_ptr<Queue, QueueDeleter> queue_;
  const std::unique_ptr<Pool, PoolDeleter> pool_;  // null: cudaMalloc allocates every block
  int64_t held_ = 0;                               // bytes held by engines
  PinnedPool pinned_;
};

// Waits until the queue is idle and ignores errors. For use before memory that the queue may use is released.
void finish(Queue* queue) noexcept;

enum class MemoryKind { device, pinned };

class EngineMemory {
 public:
  explicit EngineMemory(int32_t device) : pool_(DevicePool::of(device)) {}

  // allocate() returns memory that is not zeroed. Throws Error if there is not enough memory. release() needs the same
  // number of bytes.
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

  // Makes the block at least `bytes` large. The memory is not zeroed. If the block grows, its contents are lost.
  void reserve(int64_t bytes);
  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

  // Passes the ownership of the memory to the caller.
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
