// gelu: a = z Φ(z),   d_z = (Φ(z) + z φ(z)) δ.   Saves its input.   D. Hendrycks, K. Gimpel, 2016.
// Φ is the standard normal distribution function, φ its density. This is the exact form, not the tanh approximation.
// If Φ(z) or φ(z) is 0, its product with z is 0. This is the limit, and an infinite z does not produce NaN.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Gelu {
  static constexpr Saves saves = Saves::input;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    T p = math::normal_cdf(z);
    return p == 0 ? T(0) : z * p;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    T p = math::normal_pdf(saved);
    return (math::normal_cdf(saved) + (p == 0 ? T(0) : saved * p)) * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
