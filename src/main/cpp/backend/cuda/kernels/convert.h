// Conversion to bfloat16: the upper half of a float's bits, rounded to nearest, ties to even. NaN stays NaN.
#pragma once

#include <cstdint>

#include "util/host_device.h"

namespace chainrule {
namespace cuda {

HOST_DEVICE inline uint16_t to_bfloat16(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Returns the row stride of a converted matrix, in elements: a multiple of 16 bytes, as tensor cores need it.
HOST_DEVICE inline int64_t bfloat16_stride(int64_t columns) { return (columns + 7) / 8 * 8; }

}  // namespace cuda
}  // namespace chainrule
