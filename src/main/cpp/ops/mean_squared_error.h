// mean_squared_error: L = (1/n) Σ_i (f_i - y_i)²,   d_prediction = 2 (f - y) δ,   d_target = -2 (f - y) δ.
// The loss is the mean over the n outputs and the batch, which is squared_error / n; δ includes the factor of the mean.
#pragma once

#include "ops/op.h"
#include "ops/squared_error.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct MeanSquaredError {
  static constexpr bool mean_over_outputs = true;
  static constexpr Targets targets = Targets::any;
  static constexpr Op applies = Op::identity;  // the loss uses the prediction as it is

  // The part of one output in a sample's loss, without the factor 1/n.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T c) {
    return SquaredError::forward(f, y, c);
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T c) {
    return SquaredError::d_prediction(delta, f, y, c);
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T y, T c) {
    return SquaredError::d_target(delta, f, y, c);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
