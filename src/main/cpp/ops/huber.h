// huber: L = e²/2 if |e| <= c, otherwise c (|e| - c/2), with e = f - y,
// d_prediction = min(max(e, -c), c) δ,   d_target = -d_prediction.   c > 0.   P. J. Huber, 1964.
// The loss is the mean over the outputs and the batch; δ includes the factor of the mean.
// The value is computed from h = |f / 2 - y / 2|, because |e| and e² can overflow when L does not.
// Worst error in ulp: forward 2.0, derivatives 1.3.
#pragma once

#include <cstdint>

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Huber {
  static constexpr bool mean_over_outputs = true;
  static constexpr Targets targets = Targets::any;
  static constexpr Op applies = Op::identity;  // the loss uses the prediction as it is

  // The part of one output in a sample's loss.
  template <class T>
  HOST_DEVICE static T forward(T f, T y, T c) {
    T h = math::abs(f / 2 - y / 2);
    return 2 * (h <= c / 2 ? h * h : c * (h - c / 4));
  }

  template <class T>
  HOST_DEVICE static T d_prediction(T delta, T f, T y, T c) {
    T e = f - y;
    return (e > c ? c : (e < -c ? -c : e)) * delta;
  }

  template <class T>
  HOST_DEVICE static T d_target(T delta, T f, T y, T c) {
    return -d_prediction(delta, f, y, c);
  }

  // Returns 1 if e is above the kink at c, -1 if e is below the kink at -c, and 0 between the kinks.
  template <class T>
  HOST_DEVICE static int32_t side(T f, T y, T c) {
    T e = f - y;
    return e > c ? 1 : e < -c ? -1 : 0;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
