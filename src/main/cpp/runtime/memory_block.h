// One block of native memory with an owner.
#pragma once

#include <cstdint>
#include <utility>

#include "backend/backend.h"

namespace chainrule {

class MemoryBlock {
 public:
  explicit MemoryBlock(Backend& backend) : backend_(&backend) {}
  MemoryBlock(MemoryBlock&& other) noexcept
      : backend_(other.backend_),
        data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryBlock(const MemoryBlock&) = delete;
  MemoryBlock& operator=(const MemoryBlock&) = delete;
  ~MemoryBlock() { backend_->release(data_, bytes_); }

  // At least this many bytes. What was there is lost when the block has to grow.
  void reserve(int64_t bytes) {
    if (bytes <= bytes_) return;
    char* grown = backend_->allocate(bytes);
    backend_->release(data_, bytes_);
    data_ = grown;
    bytes_ = bytes;
  }

  char* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  Backend* backend_;
  char* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace chainrule
