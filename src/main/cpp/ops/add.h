// add: c = a + b,   d_a = δ,   d_b = δ.
// An operand with one value per feature is broadcast over the batch, an operand with one value per sample over the
// features. The gradient of a broadcast operand is summed over the same dimension.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Add {
  template <class T>
  HOST_DEVICE static T forward(T a, T b) {
    return a + b;
  }

  // `other` is the other operand: b in backward_a, a in backward_b.
  template <class T>
  HOST_DEVICE static T backward_a(T delta, T /*other*/) {
    return delta;
  }

  template <class T>
  HOST_DEVICE static T backward_b(T delta, T /*other*/) {
    return delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
