// log_sum_exp: s = ln Σ eᶻ = m + ln Σ e^(z_i - m) with m = max z, over the features of a sample,
// d_z_i = e^(z_i - s) δ.   Saves its input and its output. No overflow for any finite z.
#pragma once

#include <cstdint>

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct LogSumExp {
  static constexpr Saves saves = Saves::input_and_output;
  static constexpr int32_t saved_rows = 0;

  // `sum` is Σ Softmax::numerator(z_i, max).
  template <class T>
  HOST_DEVICE static T forward(T max, T sum) {
    return max + math::log(sum);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T z, T s) {
    return math::exp(z - s) * delta;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
