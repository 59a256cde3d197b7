// softplus: a = ln(1 + eᶻ) = max(z, 0) + ln(1 + e⁻|ᶻ|),   d_z = δ / (1 + e⁻ᶻ).   Saves its derivative, which needs the
// same exponential. No overflow for any finite z.
// Worst error in ulp: forward 1.6, derivative 2.2; with the product by δ 3.2.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Softplus {
  static constexpr Saves saves = Saves::derivative;

  template <class T>
  HOST_DEVICE static WithDerivative<T> with_derivative(T z, T /*c*/) {
    const T e = math::exp(z < 0 ? z : -z);
    return {(z < 0 ? T(0) : z) + math::log1p(e), (z < 0 ? e : T(1)) / (1 + e)};
  }

  template <class T>
  HOST_DEVICE static T forward(T z, T c) {
    return with_derivative(z, c).value;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T derivative, T /*c*/) {
    return delta * derivative;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
