// subtract: c = a - b,   d_a = δ,   d_b = -δ.
// An operand of one value a feature broadcasts over the batch, one of one value a sample over the features; its gradient
// is summed over what it is broadcast over.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Subtract {
  template <class T>
  HOST_DEVICE static T forward(T a, T b) {
    return a - b;
  }

  // `other` is the operand that the derivative is not taken for.
  template <class T>
  HOST_DEVICE static T backward_a(T delta, T /*other*/) {
    return delta;
  }

  template <class T>
  HOST_DEVICE static T backward_b(T delta, T /*other*/) {
    return -delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
