// softmax: a_i = e^(z_i - m) / s with m = max z and s = Σ e^(z_i - m), over the features of a sample,
// d_z_i = a_i (δ_i - Σ_j a_j δ_j).   Saves its output. No overflow for any finite z.
// The difference z_i - m is kept in two parts, and the 1 of one largest logit is added last: s = 1 + others. Equal
// infinite logits count as equal, so (inf, 0) gives (1, 0) and (-inf, -inf) gives (1/2, 1/2). A NaN gives NaN.
// Largest measured errors in ulp, for rows of 1 to 1000 features, on the CPU and on CUDA. float: 3.4, backward 6.5.
// double: 3.4, backward 6.8. The unit of backward is an ulp of the largest term, a_i max(|δ_i|, Σ |a_j δ_j|).
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

  // Returns z - m. If z and m are the same infinity, the difference is 0: equal logits have equal shares.
  template <class T>
  HOST_DEVICE static T difference(T z, T max) {
    return math::select(z == max, T(0), z - max);
  }

  // The sum of the numerators over the features is s. log_sum_exp and softmax_cross_entropy use the same numerators.
  // The rounding error of z - m is an error of the exponent. So it is computed too (Knuth's TwoSum).
  template <class T>
  HOST_DEVICE static T numerator(T z, T max) {
    const T rounded = z - max, part = rounded - z;
    const T error = (z - (rounded - part)) - (max + part);  // a NaN if a number is infinite
    const T e = math::exp(math::select(z == max, T(0), rounded));
    return math::mul_add(e, math::select(math::abs(error) < math::format<T>::infinity, error, T(0)), e);
  }

  // The terms of a sum over the features: the numerators that are less than 1, and the number of logits that are m.
  template <class T>
  HOST_DEVICE static T below_max(T z, T max, T numerator) {
    return math::select(z == max, T(0), numerator);
  }
  template <class T>
  HOST_DEVICE static T is_max(T z, T max) {
    return math::select(z == max, T(1), T(0));
  }
  // Returns s - 1 from the sums of these terms. One logit that is m has no part in it, so it keeps its relative accuracy
  // if it is much smaller than 1.
  template <class T>
  HOST_DEVICE static T others(T below_max, T maxima) {
    return below_max + (maxima - T(1));
  }
  template <class T>
  HOST_DEVICE static T sum(T others) {
    return T(1) + others;
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
