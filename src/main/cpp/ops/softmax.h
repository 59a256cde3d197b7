// softmax: a_i = e^(z_i - m) / s with m = max z and s = Σ e^(z_i - m), over the features of a sample,
// d_z_i = a_i (δ_i - Σ_j a_j δ_j).   Saves its output. No overflow for any finite z.
#pragma once

#include <cstdint>

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Softmax {
  static constexpr Saves saves = Saves::output;
  static constexpr int32_t saved_rows = 0;

  // The sum of the numerators over the features is s. log_sum_exp and softmax_cross_entropy use the same numerators.
  template <class T>
  HOST_DEVICE static T numerator(T z, T max) {
    return math::exp(z - max);
  }

  template <class T>
  HOST_DEVICE static T forward(T numerator, T sum) {
    return numerator / sum;
  }

  // `dot` is Σ_j a_j δ_j.
  template <class T>
  HOST_DEVICE static T backward(T delta, T a, T dot) {
    return a * (delta - dot);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
