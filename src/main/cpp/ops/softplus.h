// softplus: a = ln(1 + eᶻ) = max(z, 0) + ln(1 + e⁻|ᶻ|),   d_z = δ / (1 + e⁻ᶻ) = (1 - e⁻ᵃ) δ.   Saves its output.
// No overflow for any finite z.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Softplus {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    T e = math::exp(z < 0 ? z : -z);
    return (z < 0 ? T(0) : z) + math::log1p(e);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return -math::expm1(-saved) * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
