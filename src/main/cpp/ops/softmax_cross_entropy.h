// softmax_cross_entropy: L = -Σ_i y_i ln p_i with p = softmax(z). With m = max z and s = Σ e^(z_i - m) = 1 + others,
// L = (Σ y) ln(1 + others) - Σ y_i (z_i - m),   d_logits_i = (p_i Σ y - y_i) δ,   d_target_i = -ln p_i δ.
// p_i Σ y - y_i is computed as p_i Σ y - y_i / s - y_i others / s, so the derivative of a label with p near 1 keeps its
// relative accuracy. `others` is defined in ops/softmax.h, as are infinite logits.
// Applies the softmax to the logits z itself. y is a target distribution; a class label stands for its one-hot vector.
// The loss is the mean over the batch; δ includes the factor of the mean. No overflow for any finite z.
// Largest measured errors in ulp, for rows of 1 to 1000 features, on the CPU and on CUDA:
//                                             float   double
//   loss of a label, loss of a distribution   2.1     3.3
//   d_logits for a label                      3.9     4.1
//   d_logits for a distribution               4.9     4.7    ulp of max(p_i Σ y, y_i)
//   d_target                                  2.0     3.3
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "ops/softmax.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct SoftmaxCrossEntropy {
  static constexpr bool mean_over_outputs = false;
  static constexpr Targets targets = Targets::distribution;
  static constexpr Op applies = Op::softmax;  // the loss applies it to the prediction

  // What the loss and the derivatives of one sample need. `others` is Softmax::others(), which is s - 1.
  template <class T>
  struct Sample {
    T sum, largest, rest, log_sum;  // s, 1 / s, (s - 1) / s, ln s
    HOST_DEVICE static Sample of(T others) {
      const T sum = Softmax::sum(others);
      return {sum, T(1) / sum, others / sum, math::log1p(others)};
    }
  };

  // The loss of one sample. `sum_target` is Σ y, and `dot` is Σ y_i (z_i - m).
  template <class T>
  HOST_DEVICE static T forward(T log_sum, T sum_target, T dot) {
    return sum_target * log_sum - dot;
  }

  // y = y largest + y rest. For the largest logit, p Σ y - y largest is 0 if y = Σ y = 1, and the result is -rest.
  template <class T>
  HOST_DEVICE static T d_logits(T delta, T probability, T y, T sum_target, T largest, T rest) {
    return delta * math::mul_add(-y, rest, math::mul_add(-y, largest, probability * sum_target));
  }

  // `difference` is z_i - m.
  template <class T>
  HOST_DEVICE static T d_target(T delta, T difference, T log_sum) {
    return delta * (log_sum - difference);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
