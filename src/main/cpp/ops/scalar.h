// Functions for which processors have a single instruction.
#pragma once

#include <cstdint>

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {
namespace math {

// Returns true if the sign bit of x is set: x is negative, -0 or a NaN with its sign set.
HOST_DEVICE inline bool sign_bit(float x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits < 0;
}

HOST_DEVICE inline bool sign_bit(double x) {
  int64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits < 0;
}

HOST_DEVICE inline float sqrt(float x) { return __builtin_sqrtf(x); }
HOST_DEVICE inline double sqrt(double x) { return __builtin_sqrt(x); }

}  // namespace math
}  // namespace CHAINRULE_ISA
}  // namespace chainrule
