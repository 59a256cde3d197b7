// gelu: a = z Φ(z), Φ the normal distribution function (the exact form, not the tanh approximation),
// d_z = (Φ(z) + z φ(z)) δ, φ the normal density.   Saves its input.   D. Hendrycks, K. Gimpel, 2016.
// Φ(z) = 0 and φ(z) = 0 make the product 0, its limit, where z is infinite.
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
