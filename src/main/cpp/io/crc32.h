// CRC-32 (IEEE 802.3), as computed by zlib's crc32 and java.util.zip.CRC32. It detects accidental changes, not
// deliberate ones.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule {

class Crc32 {
 public:
  // The bytes may be passed in pieces of any length. The checksum depends only on their sequence.
  void update(const void* data, size_t size);
  uint32_t value() const { return ~state_; }

 private:
  uint32_t state_ = 0xFFFFFFFFu;
};

}  // namespace chainrule
