// negative_log_likelihood: L = -Σ_i y_i ln p_i, of probabilities p, summed over the outputs, mean over the batch; y is
// a target distribution, or one-hot where a class label is given; 0 ln 0 = 0.
// d_prediction_i = -y_i / p_i δ,   d_target_i = -ln p_i δ.   From logits, softmax_cross_entropy is exact and faster.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct NegativeLogLikelihood {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::distribution;
  static constexpr Op applies = Op::log;  // to the prediction, itself

  // One output's part of a sample's loss.
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
