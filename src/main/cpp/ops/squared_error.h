// squared_error: L = ‖f - y‖² = Σ_i (f_i - y_i)²,   d_prediction = 2 (f - y) δ,   d_target = -2 (f - y) δ.
// The loss is the sum over the outputs (not halved) and the mean over the batch; δ includes the factor of the mean.
// The derivative is computed from half of f and y, because f - y or its double can overflow when the product with δ
// does not. Worst error in ulp: forward 2.0, derivatives 1.3.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct SquaredError {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::any;
  static constexpr Op applies = Op::identity;  // the loss uses the prediction as it is

  // The part of one output in a sample's loss.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T /*c*/) {
    return (f - y) * (f - y);
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T /*c*/) {
    return (f / 2 - y / 2) * delta * 4;
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T y, T c) {
    return -d_prediction(delta, f, y, c);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
