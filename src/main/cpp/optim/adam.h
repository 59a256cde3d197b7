// adam: m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
//       w ← w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε).
// t is the number of the step; the first is 1. η is the learning rate.
// Weight decay λ: Adam adds λ w to the gradient g. AdamW instead subtracts η λ w from w and leaves g unchanged.
// D. P. Kingma, J. Ba, 2015; I. Loshchilov, F. Hutter, 2019.
#pragma once

#include <cmath>

#include "ops/scalar.h"
#include "optim/optimizer.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

// The rule of both optimizers. They differ only in how weight decay is applied and in its default value.
template <bool decoupled>
struct AdamRule : PlainRule {
  enum : int32_t { learning_rate, beta1, beta2, epsilon, weight_decay };
  static constexpr Setting settings[] = {{"learning_rate", 1e-3, Range::not_negative},
                                         {"beta1", 0.9, Range::factor},
                                         {"beta2", 0.999, Range::factor},
                                         {"epsilon", 1e-8, Range::positive},
                                         {"weight_decay", decoupled ? 0.01 : 0, Range::not_negative}};

  // m and v
  static constexpr int32_t state_count = 2;
  static constexpr uint32_t always = 3;
  static uint32_t states(const double*) { return always; }

  // 1 / (1 - β₁ᵗ), 1 / (1 - β₂ᵗ)
  static void of_step(const double* s, double t, double* corrections) {
    corrections[0] = 1 / (1 - std::pow(s[beta1], t));
    corrections[1] = 1 / (1 - std::pow(s[beta2], t));
  }

  template <class T>
  struct Scalars {
    T rate, beta1, beta2, epsilon, correction1, correction2, added_decay, shrinking_decay;

    HOST_DEVICE explicit Scalars(const UpdateScalars& by)
        : rate(static_cast<T>(by.settings[AdamRule::learning_rate])),
          beta1(static_cast<T>(by.settings[AdamRule::beta1])),
          beta2(static_cast<T>(by.settings[AdamRule::beta2])),
          epsilon(static_cast<T>(by.settings[AdamRule::epsilon])),
          correction1(static_cast<T>(by.of_step[0])),
          correction2(static_cast<T>(by.of_step[1])),
          added_decay(static_cast<T>(decoupled ? 0 : by.settings[AdamRule::weight_decay])),
          shrinking_decay(static_cast<T>(decoupled ? by.settings[AdamRule::weight_decay] : 0)) {}
  };

  template <uint32_t, class T>
  HOST_DEVICE static void update(T& w, T (&state)[state_count], T g, const Scalars<T>& by) {
    T &m = state[0], &v = state[1];
    const T gradient = g + by.added_decay * w;
    const T shrunk = w - by.rate * by.shrinking_decay * w;
    m = by.beta1 * m + (1 - by.beta1) * gradient;
    v = by.beta2 * v + (1 - by.beta2) * gradient * gradient;
    w = shrunk - by.rate * (m * by.correction1) / (math::sqrt(v * by.correction2) + by.epsilon);
  }
};

using Adam = AdamRule<false>;
using AdamW = AdamRule<true>;

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
