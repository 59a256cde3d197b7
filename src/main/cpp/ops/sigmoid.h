// sigmoid: a = 1 / (1 + e⁻ᶻ),   d_z = q (1 - q) δ with q = e⁻|ᶻ| / (1 + e⁻|ᶻ|).   Saves its derivative.
// a is e⁻|ᶻ| - e⁻|ᶻ| q for z < 0, otherwise 1 - q. This form rounds less than the quotient alone. The derivative cannot
// be computed from a, because a has lost 1 - a for large z. No overflow for any finite z.
// Worst error in ulp: forward 1.8, derivative 3.2; with the product by δ 3.4.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Sigmoid {
  static constexpr Saves saves = Saves::derivative;

  template <class T>
  HOST_DEVICE static WithDerivative<T> with_derivative(T z, T /*c*/) {
    const T e = math::exp(z < 0 ? z : -z);
    const T q = e / (1 + e);
    const T numerator = z < 0 ? e : T(1);
    return {math::mul_add(-numerator, q, numerator), math::mul_add(-q, q, q)};
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
