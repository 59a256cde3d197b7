// relu: a = max(z, 0),   d_z = δ where z >= 0, else 0: the derivative is 1 at exactly zero (PyTorch has 0 there).
// Saves its output, whose sign bit tells z < 0 from z = 0: below zero a is -0. NaN passes through.
// Values that leave the core have +0 added, so nobody sees the -0.
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
    return math::sign_bit(saved) ? T(0) : delta;
  }

  // On which side of the kink z lies; 0: at it.
  template <class T>
  HOST_DEVICE static int32_t side(T z, T /*c*/) {
    return z > 0 ? 1 : z < 0 ? -1 : 0;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
