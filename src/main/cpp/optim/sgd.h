// sgd: g ← g + λ w (weight decay),   w ← w - η g.
// With momentum: v ← μ v + g,   w ← w - η v.   Nesterov: v ← μ v + g,   w ← w - η (g + μ v).
// η is the learning rate, μ the momentum, λ the weight decay. As in PyTorch, without dampening.
// The largest errors of a step, measured over 10⁶ random steps of each type, in ulp of the largest term:
//   w  2.8 ulp; with momentum 2.3 ulp, or 4.6 ulp (Nesterov) if a step changes w by more than its half
//   v  1.7 ulp, with weight decay 2.3 ulp
#pragma once

#include "optim/optimizer.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Sgd : PlainRule {
  enum : int32_t { learning_rate, momentum, nesterov, weight_decay };
  static constexpr Setting settings[] = {{"learning_rate", 1e-3, Range::not_negative},
                                         {"momentum", 0, Range::factor},
                                         {"nesterov", 0, Range::flag},
                                         {"weight_decay", 0, Range::not_negative}};

  // The state: the velocity v, with momentum.
  static constexpr int32_t state_count = 1;
  static constexpr uint32_t always = 0;
  static uint32_t states(const double* s) { return s[momentum] != 0 ? 1 : 0; }

  static const char* conflict(const double* s) {
    return s[nesterov] != 0 && s[momentum] == 0 ? "nesterov needs a momentum above 0" : nullptr;
  }

  template <class T>
  struct Scalars {
    T rate, momentum, decay;
    bool nesterov;

    HOST_DEVICE explicit Scalars(const UpdateScalars& by)
        : rate(static_cast<T>(by.settings[Sgd::learning_rate])),
          momentum(static_cast<T>(by.settings[Sgd::momentum])),
          decay(static_cast<T>(by.settings[Sgd::weight_decay])),
          nesterov(by.settings[Sgd::nesterov] != 0) {}
  };

  template <class T>
  HOST_DEVICE static T decayed(T g, T w, T weight_decay) {
    return g + weight_decay * w;
  }

  template <uint32_t kept, class T>
  HOST_DEVICE static void update(T& w, T (&state)[state_count], T g, const Scalars<T>& by) {
    const T gradient = decayed(g, w, by.decay);
    if constexpr (kept == 0) {
      w = w - by.rate * gradient;
    } else {
      T& v = state[0];
      v = by.momentum * v + gradient;
      if (by.nesterov) {
        w = w - by.rate * (gradient + by.momentum * v);
      } else {
        after_product(w, state, by);
      }
    }
  }

  // The part of the update that the product of the gradient computes. Without momentum: w ← (1 - ηλ) w - η g. With
  // momentum: v ← μ v + g.
  static InProduct in_product(const double* s) {
    if (s[momentum] == 0) return {true, nullptr, -1, {0, -1}, {1, -s[weight_decay]}};
    if (s[nesterov] != 0) return {false, "Nesterov momentum needs the gradient itself", -1, {}, {}};
    if (s[weight_decay] != 0) {
      return {false, "momentum with weight decay needs the gradient itself", -1, {}, {}};
    }
    return {true, nullptr, 0, {1, 0}, {s[momentum], 0}};
  }

  // The rest of the update, after v has been updated.
  static constexpr bool has_after_product = true;
  template <class T>
  HOST_DEVICE static void after_product(T& w, const T (&state)[state_count], const Scalars<T>& by) {
    w = w - by.rate * state[0];
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
