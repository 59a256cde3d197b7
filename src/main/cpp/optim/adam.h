// adam: m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
//       w ← w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε),   t the step, from 1.
// Weight decay λ: Adam adds λ w to g; AdamW first shrinks w by η λ w.
// D. P. Kingma, J. Ba, 2015; I. Loshchilov, F. Hutter, 2019.
#pragma once

#include "ops/scalar.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Adam {
  template <class T>
  HOST_DEVICE static T first_moment(T m, T g, T beta1) {
    return beta1 * m + (1 - beta1) * g;
  }

  template <class T>
  HOST_DEVICE static T second_moment(T v, T g, T beta2) {
    return beta2 * v + (1 - beta2) * g * g;
  }

  // correction1 = 1 / (1 - β₁ᵗ), correction2 = 1 / (1 - β₂ᵗ).
  template <class T>
  HOST_DEVICE static T apply(T w, T m, T v, T learning_rate, T correction1, T correction2, T epsilon) {
    return w - learning_rate * (m * correction1) / (math::sqrt(v * correction2) + epsilon);
  }

  template <class T>
  HOST_DEVICE static T decoupled_decay(T w, T learning_rate, T weight_decay) {
    return w - learning_rate * weight_decay * w;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
