// softmax_cross_entropy: L = -Σ_i y_i ln p_i with p = softmax(z). With m = max z and s = Σ e^(z_i - m),
// L = (Σ y) ln s - Σ y_i (z_i - m),   d_logits_i = (p_i Σ y - y_i) δ,   d_target_i = -ln p_i δ.
// Applies the softmax to the logits z itself. y is a target distribution; a class label stands for its one-hot vector.
// The loss is the mean over the batch; δ includes the factor of the mean. No overflow for any finite z.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct SoftmaxCrossEntropy {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::distribution;
  static constexpr Op applies = Op::softmax;  // the loss applies it to the prediction

  // The loss of one sample. `sum` is s, `sum_target` is Σ y, and `dot` is Σ y_i (z_i - m).
  template <class T>
  HOST_DEVICE static T forward(T sum, T sum_target, T dot) {
    return sum_target * math::log(sum) - dot;
  }

  template <class T>
  HOST_DEVICE static T d_logits(T delta, T probability, T y, T sum_target) {
    return delta * (probability * sum_target - y);
  }

  // `shifted` is z_i - m, and `sum` is s.
  template <class T>
  HOST_DEVICE static T d_target(T delta, T shifted, T sum) {
    return delta * (math::log(sum) - shifted);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
