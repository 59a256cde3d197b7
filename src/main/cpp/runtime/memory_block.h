// A block of native memory that frees itself. It is allocated from an engine (a Backend is a Memory) or from host
// memory.
#pragma once

#include <cstdint>
#include <utility>

#include "backend/backend.h"

namespace chainrule {

class MemoryBlock {
 public:
  explicit MemoryBlock(Memory& memory) : memory_(&memory) {}
  MemoryBlock(MemoryBlock&& other) noexcept
      : memory_(other.memory_),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryBlock(const MemoryBlock&) = delete;
  MemoryBlock& operator=(const MemoryBlock&) = delete;
  ~MemoryBlock() { memory_->release(data_, bytes_); }

  // Makes the block at least `bytes` long. The contents are lost if the block grows.
  void reserve(int64_t bytes) {
    if (bytes <= bytes_) return;
    char* grown = memory_->allocate(bytes);
    memory_->release(data_, bytes_);
    data_ = grown;
    bytes_ = bytes;
  }

  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  Memory* memory_;
  char* data_ = nullptr;
  int64_t bytes_ = 0;
};

// Calls body with a host address from which these bytes of the engine's memory can be read: their own address, or the
// address of a copy.
template <class Body>
void read_on_host(Backend& backend, const char* from, int64_t bytes, Body&& body) {
  if (backend.on_host()) return body(from);
  MemoryBlock copy(backend.host_memory());
  copy.reserve(bytes);
  backend.copy_out(copy.data(), from, bytes);
  body(copy.data());
}

// Calls body with a host address to which it must write all of these bytes. Afterwards copies them to the engine's
// memory, if that is not host memory.
template <class Body>
void write_on_host(Backend& backend, char* to, int64_t bytes, Body&& body) {
  if (backend.on_host()) return body(to);
  MemoryBlock copy(backend.host_memory());
  copy.reserve(bytes);
  body(copy.data());
  backend.copy_in(to, copy.data(), bytes);
}

}  // namespace chainrule
