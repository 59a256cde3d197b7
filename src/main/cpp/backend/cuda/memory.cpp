#include "backend/cuda/memory.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "util/check.h"

namespace chainrule {
namespace cuda {

namespace {

bool pools_are_wanted() {
  const char* text = std::getenv("CHAINRULE_CUDA_POOL");
  return text == nullptr || std::strcmp(text, "0") != 0;
}

}  // namespace

void finish(Queue* queue) noexcept {
  try {
    synchronize(queue);
  } catch (const Error&) {  // After such an error the device executes no more work of this process.
  }
}

// ---- memory of a device

std::shared_ptr<DevicePool> DevicePool::of(int32_t device) {
  // The mutex and the map are never destroyed, because engines may be closed at the end of the process.
  static std::mutex& mutex = *new std::mutex;
  static auto& known = *new std::map<int32_t, std::weak_ptr<DevicePool>>;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<DevicePool> pool = known[device].lock();
  if (pool == nullptr) known[device] = pool = std::make_shared<DevicePool>(device, pools_are_wanted());
  return pool;
}

DevicePool::DevicePool(int32_t device, bool keeps)
    : queue_(make_queue()), pool_(keeps ? make_pool(device) : nullptr), pinned_(keeps) {}

char* DevicePool::allocate(int64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  char* memory = try_to_allocate(bytes);
  if (memory == nullptr && pool_ != nullptr) {
    trim_to(0);
    memory = try_to_allocate(bytes);
  }
  if (memory == nullptr) {
    const DeviceBytes now = available_now();
    throw Error(message("out of device memory: ", bytes, " bytes were needed, and ", now.free, " of ",
                        now.total, " are free"));
  }
  held_ += bytes;
  return memory;
}

// Waits for the allocation, so that other queues may use the block when this returns.
char* DevicePool::try_to_allocate(int64_t bytes) {
  char* memory = allocate_device(pool_.get(), queue_.get(), bytes);
  try {
    if (memory != nullptr && pool_ != nullptr) synchronize(queue_.get());
  } catch (...) {
    release_device(pool_.get(), queue_.get(), memory);
    throw;
  }
  return memory;
}

void DevicePool::release(char* memory, int64_t bytes) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  release_device(pool_.get(), queue_.get(), memory);
  held_ -= bytes;
  if (held_ > 0 || pool_ == nullptr) return;
  try {
    trim_to(kept_bytes);
  } catch (const Error&) {  // The memory stays in the pool.
  }
}

// Waits for the queue first, because a released block is unused only after the queue has executed its release.
void DevicePool::trim_to(int64_t keep) {
  synchronize(queue_.get());
  trim(pool_.get(), keep);
}

DeviceBytes DevicePool::available_now() {
  DeviceBytes bytes = device_bytes();
  if (pool_ != nullptr) bytes.free += unused_bytes(pool_.get());
  return bytes;
}

DeviceBytes DevicePool::available() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return available_now();
}

// ---- memory of an engine

char* EngineMemory::allocate(MemoryKind kind, int64_t bytes) {
  const bool pinned = kind == MemoryKind::pinned;
  char* memory = pinned ? pool_->pinned().allocate(bytes) : pool_->allocate(bytes);
  ++allocations_;
  const int64_t held = (pinned ? pinned_ : held_) += bytes;
  if (pinned) return memory;
  for (int64_t peak = peak_; held > peak && !peak_.compare_exchange_weak(peak, held);) {
  }
  return memory;
}

void EngineMemory::release(MemoryKind kind, char* memory, int64_t bytes) noexcept {
  if (memory == nullptr) return;
  if (kind == MemoryKind::pinned) {
    pool_->pinned().release(memory, bytes);
    pinned_ -= bytes;
  } else {
    pool_->release(memory, bytes);
    held_ -= bytes;
  }
}

MemoryBytes EngineMemory::bytes() {
  const DeviceBytes available = pool_->available();
  MemoryBytes bytes;
  bytes.held = held_;
  bytes.peak = peak_;
  bytes.host = pinned_;
  bytes.allocations = allocations_;
  bytes.free = available.free;
  bytes.total = available.total;
  return bytes;
}

// ---- blocks

Block::Block(Block&& other) noexcept
    : memory_(other.memory_),
      kind_(other.kind_),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Block& Block::operator=(Block&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(kind_, other.kind_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void Block::release() noexcept {
  memory_->release(kind_, data_, bytes_);
  data_ = nullptr;
  bytes_ = 0;
}

char* Block::take() {
  bytes_ = 0;
  return std::exchange(data_, nullptr);
}

void Block::reserve(int64_t bytes) {
  if (bytes <= bytes_) return;
  release();  // before the allocation, because the device may not have room for both blocks
  data_ = memory_->allocate(kind_, bytes);
  bytes_ = bytes;
}

}  // namespace cuda
}  // namespace chainrule
