// multiply: c = a b elementwise,   d_a = b δ,   d_b = a δ.
// An operand with one value per feature is broadcast over the batch, an operand with one value per sample over the
// features. The gradient of a broadcast operand is summed over the same dimension.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Multiply {
  template <class T>
  HOST_DEVICE static T forward(T a, T b) {
    return a * b;
  }

  // `other` is the other operand: b in backward_a, a in backward_b.
  template <class T>
  HOST_DEVICE static T backward_a(T delta, T other) {
    return delta * other;
  }

  template <class T>
  HOST_DEVICE static T backward_b(T delta, T other) {
    return delta * other;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
