// silu: a = z σ(z),   d_z = σ(z) (1 + z (1 - σ(z))) δ.   σ is the sigmoid.   Saves its input.
// If σ(z) or 1 - σ(z) is 0, its product with z is 0. This is the limit, and an infinite z does not produce NaN.
#pragma once

#include "ops/op.h"
#include "ops/sigmoid.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Silu {
  static constexpr Saves saves = Saves::input;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    T s = Sigmoid::forward(z, T(0));
    return s == 0 ? T(0) : z * s;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    T s = Sigmoid::forward(saved, T(0));
    T r = Sigmoid::forward(-saved, T(0));  // 1 - s without cancellation
    return (s + (s == 0 || r == 0 ? T(0) : saved * s * r)) * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
