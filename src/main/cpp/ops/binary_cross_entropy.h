// binary_cross_entropy: L = -(y ln σ(z) + (1 - y) ln(1 - σ(z))) = softplus(z) - y z,
// d_logits = (σ(z) - y) δ,   d_target = -z δ.   Applies the sigmoid σ to the logits z itself. The loss is the mean over
// the outputs and the batch; δ includes the factor of the mean. No overflow for any finite z.
#pragma once

#include "ops/op.h"
#include "ops/sigmoid.h"
#include "ops/softplus.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct BinaryCrossEntropy {
  static constexpr bool mean_over_outputs = true;
  static constexpr Targets targets = Targets::probabilities;
  static constexpr Op applies = Op::sigmoid;  // the loss applies it to the prediction

  // The part of one output in a sample's loss.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T c) {
    return Softplus::forward(f, c) - y * f;
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T c) {
    return (Sigmoid::forward(f, c) - y) * delta;
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T /*y*/, T /*c*/) {
    return -f * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
