// rmsprop: g ← g + λ w (weight decay),   v ← α v + (1 - α) g²,   d = g / (√v + ε),   w ← w - η d.
// With momentum the last formula is replaced by   b ← μ b + d,   w ← w - η b.
// Centered: v - m², the variance of the gradient, replaces v in d, with m ← α m + (1 - α) g. The state v then holds
// this variance itself. It is updated by
//          v ← α (v + (1 - α) (g - m)²)   with the old m,
// which gives the same number, is never negative, and loses no digits if the mean of g² is close to m².
// ε is outside the root, as in PyTorch.   T. Tieleman, G. Hinton, 2012; centered: A. Graves, 2013.
#pragma once

#include "ops/scalar.h"
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
    T rate, alpha, epsilon, decay, momentum;

    HOST_DEVICE explicit Scalars(const UpdateScalars& by)
        : rate(static_cast<T>(by.settings[Rmsprop::learning_rate])),
          alpha(static_cast<T>(by.settings[Rmsprop::alpha])),
          epsilon(static_cast<T>(by.settings[Rmsprop::epsilon])),
          decay(static_cast<T>(by.settings[Rmsprop::weight_decay])),
          momentum(static_cast<T>(by.settings[Rmsprop::momentum])) {}
  };

  template <uint32_t kept, class T>
  HOST_DEVICE static void update(T& w, T (&state)[state_count], T g, const Scalars<T>& by) {
    T &v = state[0], &m = state[1], &b = state[2];
    const T gradient = g + by.decay * w;
    if constexpr ((kept & with_mean) != 0) {
      const T deviation = gradient - m;
      v = by.alpha * (v + (1 - by.alpha) * deviation * deviation);
      m = m + (1 - by.alpha) * deviation;
    } else {
      v = by.alpha * v + (1 - by.alpha) * gradient * gradient;
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
