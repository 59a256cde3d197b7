// negative_log_likelihood: L = -Σ_i y_i ln p_i,   d_prediction_i = -y_i / p_i δ,   d_target_i = -ln p_i δ.
// The prediction p holds probabilities; 0 ln 0 = 0. y is a target distribution; a class label stands for its one-hot
// vector. The loss is the sum over the outputs and the mean over the batch; δ includes the factor of the mean.
// For logits, softmax_cross_entropy is more accurate and faster.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct NegativeLogLikelihood {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::distribution;
  static constexpr Op applies = Op::log;  // the loss applies it to the prediction

  // The part of one output in a sample's loss.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T /*c*/) {
    return y == 0 ? T(0) : -y * math::log(f);
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T /*c*/) {
    return y == 0 ? T(0) : -y / f * delta;
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T /*y*/, T /*c*/) {
    return -math::log(f) * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
