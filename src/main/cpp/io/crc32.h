// CRC-32 (IEEE 802.3), the same as zlib's crc32 and java.util.zip.CRC32: finds accidents, not forgeries.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

class Crc32 {
 public:
  // The bytes may come in pieces of any length: the sum depends only on their sequence.
  void update(const void* data, size_t size);
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xFFFFFFFFu;
};

}  // namespace chainrule
