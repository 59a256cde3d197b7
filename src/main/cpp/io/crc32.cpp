#include "io/crc32.h"

#include <array>

namespace chainrule {
namespace {

constexpr uint32_t polynomial = 0xEDB88320u;  // 0x04C11DB7 with its bits reversed
using Tables = std::array<std::array<uint32_t, 256>, 8>;

// tables[k][b]: the contribution of byte b to the checksum if k more bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
    tables[0][byte] = sum;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[k - 1][byte];
      tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xFF];
    }
  }
  return tables;
}

constexpr Tables all_tables = make_tables();

uint32_t little_endian_word(const unsigned char* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

}  // namespace

void Crc32::update(const void* data, size_t size) {
  const auto* p = static_cast<const unsigned char*>(data);
  uint32_t sum = state_;
  // Eight bytes per iteration: eight independent look-ups instead of a chain of eight.
  for (; size >= 8; size -= 8, p += 8) {
    const uint32_t low = sum ^ little_endian_word(p);
    const uint32_t high = little_endian_word(p + 4);
    sum = all_tables[7][low & 0xFF] ^ all_tables[6][low >> 8 & 0xFF] ^ all_tables[5][low >> 16 & 0xFF] ^
          all_tables[4][low >> 24] ^ all_tables[3][high & 0xFF] ^ all_tables[2][high >> 8 & 0xFF] ^
          all_tables[1][high >> 16 & 0xFF] ^ all_tables[0][high >> 24];
  }
  for (; size > 0; --size, ++p) sum = (sum >> 8) ^ all_tables[0][(sum ^ *p) & 0xFF];
  state_ = sum;
}

}  // namespace chainrule
