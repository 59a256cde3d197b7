// sigmoid: a = 1 / (1 + e⁻ᶻ),   d_z = a (1 - a) δ.   Saves its output. No overflow for any finite z.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Sigmoid {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    T e = math::exp(z < 0 ? z : -z);
    return (z < 0 ? e : T(1)) / (1 + e);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return delta * saved * (1 - saved);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
