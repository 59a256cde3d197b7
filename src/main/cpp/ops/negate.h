// negate: a = -z,   d_z = -δ.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Negate {
  static constexpr Saves saves = Saves::nothing;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return -z;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T /*saved*/, T /*c*/) {
    return -delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
