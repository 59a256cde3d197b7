// exp: a = eᶻ,   d_z = a δ.   Saves its output.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Exp {
  static constexpr Saves saves = Saves::output;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return math::exp(z);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return saved * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
