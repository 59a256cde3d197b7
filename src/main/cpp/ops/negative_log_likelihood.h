// negative_log_likelihood: L = -Σ_i y_i ln p_i,   d_prediction_i = -y_i / p_i δ,   d_target_i = -ln p_i δ.
// The prediction p holds probabilities; 0 ln 0 = 0, but a NaN gives NaN. y is a target distribution; a class label stands
// for its one-hot vector. The loss is the sum over the outputs and the mean over the batch; δ includes the factor of the
// mean. For logits, softmax_cross_entropy is more accurate and faster.
// Largest measured errors in ulp, for labels and up to 1,000,000 samples, on the CPU and on CUDA. float: 0.5, backward
// 1.9. double: 2.9, backward 1.9.
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
    return math::select(y == 0, zero(f), -y * math::log(f));
  }

  // If f is tiny, y / f could overflow although y / f δ does not. So f and the result are multiplied by a power of two.
  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T /*c*/) {
    const T scale = math::select(f < T(0x1p-60), T(0x1p60), T(1));
    return math::select(y == 0, zero(f), -y / (f * scale) * delta * scale);
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T /*y*/, T /*c*/) {
    return -math::log(f) * delta;
  }

 private:
  // Returns 0, or NaN if f is a NaN.
  template <class T>
  HOST_DEVICE static T zero(T f) {
    return math::select(f == f, T(0), f);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
