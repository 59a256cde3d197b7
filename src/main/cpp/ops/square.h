// square: a = z²,   d_z = 2 z δ.   Saves its input, because the output does not have the sign of z.
// Backward doubles the product z δ, because 2 z can overflow when 2 z δ does not. Forward and backward round once.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Square {
  static constexpr Saves saves = Saves::input;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return z * z;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return 2 * (saved * delta);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
