// squared_error: L = ‖f - y‖² = Σ_i (f_i - y_i)², summed over the outputs (not halved), mean over the batch,
// d_prediction = 2 (f - y) δ,   d_target = -2 (f - y) δ.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct SquaredError {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::any;
  static constexpr Op applies = Op::identity;  // to the prediction

  // One output's part of a sample's loss.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T /*c*/) {
    return (f - y) * (f - y);
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T /*c*/) {
    return 2 * (f - y) * delta;
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T y, T c) {
    return -d_prediction(delta, f, y, c);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
