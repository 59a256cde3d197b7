// rmsprop: g ← g + λ w (weight decay),   v ← α v + (1 - α) g²,   d = g / (√v + ε),   w ← w - η d.
// With momentum the last formula is replaced by   b ← μ b + d,   w ← w - η b.
// Centered: v - m², the variance of the gradient, replaces v in d, with m ← α m + (1 - α) g. The state v then holds
// this variance itself. It is updated by
//          v ← α v + α (1 - α) (g - m)²   with the old m,
// which gives the same number, is never negative, and loses no digits if the mean of g² is close to m².
// The largest errors of a step, measured over 10⁶ random steps of each type:
//   w  3.7 ulp of w; 5.0 ulp of the largest term if a step changes w by more than its half
//   v  2.6 ulp, centered 3.5 ulp; m 2.5 ulp; b 3.4 ulp
//      with weight decay v 6.2 ulp, m 3.5 ulp, b 4.2 ulp of the largest term, because v has twice the error of g + λ w
// Exceptions: v below the smallest normal number of the type has fewer digits, which an ε below 10⁻¹⁴ shows. As in
// PyTorch, a v that overflows is infinite for good, and d is 0. In float, this needs a gradient of more than
// 1.8·10¹⁹ / √(1 - α).
// ε is outside the root, as in PyTorch.   T. Tieleman, G. Hinton, 2012; centered: A. Graves, 2013.
#pragma once

#include "ops/scalar.h"
#include "optim/moving_average.h"
#include "optim/optimizer.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Rmsprop : PlainRule {
  enum : int32_t { learning_rate, alpha, epsilon, weight_decay, momentum, centered };
  static constexpr Setting settings[] = {{"learning_rate", 1e-2, Range::not_negative},
                                         {"alpha", 0.99, Range::factor},
                                         {"epsilon", 1e-8, Range::positive},
                                         {"weight_decay", 0, Range::not_negative},
                                         {"momentum", 0, Range::factor},
                                         {"centered", 0, Range::flag}};

  // The states: v; m if centered; b with momentum.
  static constexpr int32_t state_count = 3;
  static constexpr uint32_t always = 1, with_mean = 2, with_momentum = 4;
  static uint32_t states(const double* s) {
    return always | (s[centered] != 0 ? with_mean : 0) | (s[momentum] != 0 ? with_momentum : 0);
  }

  template <class T>
  struct Scalars {
    T rate, epsilon, decay, momentum;
    MovingAverage<T> average, variance;

    HOST_DEVICE explicit Scalars(const UpdateScalars& by)
        : rate(static_cast<T>(by.settings[Rmsprop::learning_rate])),
          epsilon(static_cast<T>(by.settings[Rmsprop::epsilon])),
          decay(static_cast<T>(by.settings[Rmsprop::weight_decay])),
          momentum(static_cast<T>(by.settings[Rmsprop::momentum])),
          average(by.settings[Rmsprop::alpha]),
          variance(by.settings[Rmsprop::alpha],
                   by.settings[Rmsprop::alpha] * (1 - by.settings[Rmsprop::alpha])) {}
  };

  template <uint32_t kept, class T>
  HOST_DEVICE static void update(T& w, T (&state)[state_count], T g, const Scalars<T>& by) {
    T &v = state[0], &m = state[1], &b = state[2];
    const T gradient = g + by.decay * w;
    if constexpr ((kept & with_mean) != 0) {
      const T deviation = gradient - m;
      v = by.variance.with_square(v, deviation);
      m = by.average.with(m, gradient, deviation);
    } else {
      v = by.average.with_square(v, gradient);
    }
    T direction = gradient / (math::sqrt(v) + by.epsilon);
    if constexpr ((kept & with_momentum) != 0) {
      b = by.momentum * b + direction;
      direction = b;
    }
    w = w - by.rate * direction;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
