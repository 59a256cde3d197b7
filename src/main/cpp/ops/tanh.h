// tanh: a = (eᶻ - e⁻ᶻ) / (eᶻ + e⁻ᶻ),   d_z = (1 - a²) δ.   Saves its output.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Tanh {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return math::tanh(z);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return delta * (1 - saved * saved);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
