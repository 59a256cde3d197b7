// scale: a = c z,   d_z = c δ.   c is the node's constant.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Scale {
  static constexpr Saves saves = Saves::nothing;

  template <class T>
  HOST_DEVICE static T forward(T z, T c) {
    return c * z;
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T /*saved*/, T c) {
    return c * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
