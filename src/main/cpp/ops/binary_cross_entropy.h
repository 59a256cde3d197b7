// binary_cross_entropy: L = -(y ln σ(z) + (1 - y) ln(1 - σ(z))) = softplus(z) - y z, from logits z, mean over the
// outputs and the batch,   d_logits = (σ(z) - y) δ,   d_target = -z δ.   No overflow for any finite z.
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
  static constexpr Op applies = Op::sigmoid;  // to the prediction, itself

  // One output's part of a sample's loss.
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
