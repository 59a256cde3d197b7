// Floats as bfloat16: the upper half of a float's bits, rounded to the nearest, ties to even. NaN stays NaN.
#pragma once

#include <cstdint>

#include "backend/backend.h"
#include "util/host_device.h"

namespace chainrule {
namespace cuda {

HOST_DEVICE inline uint16_t to_bfloat16(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Elements from one row of a converted matrix to the next: a multiple of 16 bytes, as tensor cores want it.
HOST_DEVICE inline int64_t bfloat16_stride(int64_t columns) { return (columns + 7) / 8 * 8; }

// Where a product's converted factors lie, behind each other. Rows and columns are those in memory.
struct FactorRoom {
  int64_t a_rows, a_columns, b_rows, b_columns;
  int64_t a_bytes, bytes;

  explicit FactorRoom(const Step& step)
      : a_rows(step.transposed_a ? step.k : step.rows),
        a_columns(step.transposed_a ? step.rows : step.k),
        b_rows(step.transposed_b ? step.columns : step.k),
        b_columns(step.transposed_b ? step.k : step.columns),
        a_bytes((a_rows * bfloat16_stride(a_columns) * 2 + 255) / 256 * 256),
        bytes(a_bytes + b_rows * bfloat16_stride(b_columns) * 2) {}
};

}  // namespace cuda
}  // namespace chainrule
