// leaky_relu: a = z where z >= 0, else c z,   d_z = δ where z >= 0, else c δ.   c > 0 is the slope.
// Saves its output: a positive slope keeps the sign bit of z, and z = -0 becomes +0 (derivative 1, as relu).
#pragma once

#include <cstdint>

#include "ops/op.h"
#include "ops/scalar.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct LeakyRelu {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T c) {
    return z < 0 ? c * z : z + T(0);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T c) {
    return math::sign_bit(saved) ? c * delta : delta;
  }

  // On which side of the kink z lies; 0: at it.
  template <class T>
  HOST_DEVICE static int32_t side(T z, T /*c*/) {
    return z > 0 ? 1 : z < 0 ? -1 : 0;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
