// leaky_relu: a = z if z >= 0, otherwise c z,   d_z = δ if z >= 0, otherwise c δ.   c > 0 is the slope.
// Saves its output. Because the slope is positive, the output has the sign bit of z, except that z = -0 becomes +0. So
// the derivative at zero is 1, as for relu. The derivative at NaN is NaN. Forward and backward round once. The slope is
// rounded to the type first.
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
    return saved != saved ? saved : math::sign_bit(saved) ? c * delta : delta;
  }

  // Returns 1 if z is above the kink, -1 if z is below it, and 0 at the kink.
  template <class T>
  HOST_DEVICE static int32_t side(T z, T /*c*/) {
    return z > 0 ? 1 : z < 0 ? -1 : 0;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
