// relu: a = max(z, 0),   d_z = δ if z >= 0, otherwise 0. The derivative at exactly zero is 1 (PyTorch has 0 there).
// Saves its output. The output is -0 for z < 0 and +0 for z = 0, so its sign bit distinguishes the two. A NaN passes
// through, and its derivative is NaN. The core adds +0 to every value that it returns, so users do not see the -0.
// Forward and backward are exact.
#pragma once

#include <cstdint>

#include "ops/op.h"
#include "ops/scalar.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Relu {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return z < 0 ? -T(0) : z + T(0);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return saved != saved ? saved : math::sign_bit(saved) ? T(0) : delta;
  }

  // Returns 1 if z is above the kink, -1 if z is below it, and 0 at the kink.
  template <class T>
  HOST_DEVICE static int32_t side(T z, T /*c*/) {
    return z > 0 ? 1 : z < 0 ? -1 : 0;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
