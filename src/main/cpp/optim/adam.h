// adam: m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²,
//       w ← w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε).
// t is the number of the step; the first is 1. η is the learning rate.
// Weight decay λ: Adam adds λ w to the gradient g. AdamW instead subtracts η λ w from w and leaves g unchanged.
// The largest errors of a step, measured over 10⁶ random steps of each type:
//   w  2.5 ulp of w; 4.9 ulp of the largest term if a step changes w by more than its half
//   m  2.4 ulp, v 2.5 ulp; with a weight decay that is added to the gradient 4.2 and 5.6 ulp of the largest term,
//      because v has twice the error of g + λ w
// Exceptions: v below the smallest normal number of the type has fewer digits, which an ε below 10⁻¹⁴ shows. As in
// PyTorch, a v that overflows is infinite for good, and w no longer changes. In float, this needs a gradient of more
// than 1.8·10¹⁹ / √(1 - β₂). η / (1 - β₁) must be finite in the type.
// D. P. Kingma, J. Ba, 2015; I. Loshchilov, F. Hutter, 2019.
#pragma once

#include <cmath>
#include <limits>

#include "ops/scalar.h"
#include "optim/moving_average.h"
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

  // With both corrections of the bias, w ← w - k m / (√v + e), where k = η √(1 - β₂ᵗ) / (1 - β₁ᵗ), e = ε √(1 - β₂ᵗ).
  // For fewer roundings this is computed as 2ᵖ m / (√(v / κ²) + e / κ), where k = 2ᵖ κ and 1 ≤ κ < 2.
  enum : int32_t { power_of_2, scale_of_v, scaled_epsilon };
  static void of_step(const double* s, double t, double* numbers) {
    const long double bias = one_minus_power(s[beta2], t), root = std::sqrt(bias);
    const long double k = s[learning_rate] * root / one_minus_power(s[beta1], t);
    int exponent = 1;
    const long double half = k > 0 && std::isfinite(k) ? std::frexp(k, &exponent) : 0.5L;  // κ / 2
    numbers[power_of_2] = k > 0 ? static_cast<double>(std::ldexp(k / half, -1)) : 0;
    numbers[scale_of_v] = static_cast<double>(1 / (4 * half * half));
    numbers[scaled_epsilon] = static_cast<double>(s[epsilon] * root / (2 * half));
  }

  template <class T>
  struct Scalars {
    T rate, scale, epsilon, decay;
    MovingAverage<T> first, second;

    HOST_DEVICE explicit Scalars(const UpdateScalars& by)
        : rate(static_cast<T>(by.of_step[power_of_2])),
          scale(static_cast<T>(by.of_step[scale_of_v])),
          epsilon(static_cast<T>(by.of_step[scaled_epsilon])),
          decay(static_cast<T>((decoupled ? by.settings[AdamRule::learning_rate] : 1) *
                               by.settings[AdamRule::weight_decay])),
          first(by.settings[AdamRule::beta1]),
          second(by.settings[AdamRule::beta2]) {
      constexpr T smallest = std::numeric_limits<T>::denorm_min();
      if (epsilon == 0) epsilon = smallest;  // otherwise a gradient of 0 would give 0 / 0
    }
  };

  template <uint32_t, class T>
  HOST_DEVICE static void update(T& w, T (&state)[state_count], T g, const Scalars<T>& by) {
    T &m = state[0], &v = state[1];
    const T gradient = decoupled ? g : g + by.decay * w;
    m = by.first.with(m, gradient);
    v = by.second.with_square(v, gradient);
    const T change = by.rate * (m / (math::sqrt(v * by.scale) + by.epsilon));
    w = w - (decoupled ? by.decay * w + change : change);
  }
};

using Adam = AdamRule<false>;
using AdamW = AdamRule<true>;

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
