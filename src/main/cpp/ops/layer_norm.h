// layer_norm: y_i = w_i n_i + b_i,   n_i = (x_i - m) r,   m = Σ x / k,   r = 1 / √(Σ (x - m)² / k + c) over the k features
// of a sample,   d_x_i = r (g_i - Σ g / k - n_i Σ g n / k) with g = w δ,   d_w_i = δ_i n_i,   d_b_i = δ_i, summed over the
// batch. Without w it is 1, without b 0.   c > 0.   J. Ba, J. Kiros, G. Hinton, 2016.
// Two passes. Saves its input and three numbers a sample: m in two parts, because m rounded to the type can be as far off
// as the values are from each other where their mean is large, and r.
#pragma once

#include <cstdint>

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct LayerNorm {
  static constexpr Saves saves = Saves::input;
  static constexpr int32_t saved_rows = 3;  // mean, rest, r

  // The first pass: m, rounded.
  template <class T>
  HOST_DEVICE static T mean(double sum, double k) {
    return static_cast<T>(sum / k);
  }

  // The second pass adds up x - mean and its square: what is missing of m, and r.
  template <class T>
  HOST_DEVICE static T rest(double sum, double k) {
    return static_cast<T>(sum / k);
  }
  template <class T>
  HOST_DEVICE static T r(double sum, double squares, double k, double c) {
    const double rest = sum / k, variance = squares / k - rest * rest;
    return static_cast<T>(1 / math::sqrt((variance < 0 ? 0 : variance) + c));
  }

  template <class T>
  HOST_DEVICE static T normalised(T x, T mean, T rest, T r) {
    return ((x - mean) - rest) * r;
  }

  template <class T>
  HOST_DEVICE static T forward(T n, T w, T b) {
    return w * n + b;
  }

  // `mean_g` is Σ g / k, `mean_gn` Σ g n / k.
  template <class T>
  HOST_DEVICE static T backward(T g, T n, T r, T mean_g, T mean_gn) {
    return r * (g - mean_g - n * mean_gn);
  }

  template <class T>
  HOST_DEVICE static T d_weight(T delta, T n) {
    return delta * n;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
