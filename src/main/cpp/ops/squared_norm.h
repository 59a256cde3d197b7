// squared_norm: s = ‖x‖² = Σ x² over the features,   d_x = 2 x δ.   Saves its input.
// Largest measured errors in ulp, for rows of 1 to 1000 features, on the CPU and on CUDA: 1.8 in float, 4.8 in double;
// backward 0.5.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct SquaredNorm {
  static constexpr Saves saves = Saves::input;

  // s = finish(Σ term(x), n). The sum is over the n features of a sample and is computed in double.
  template <class T>
  HOST_DEVICE static T term(T x) {
    return x * x;
  }

  HOST_DEVICE static double finish(double total, double /*n*/) { return total; }

  // d_x for one feature.
  template <class T>
  HOST_DEVICE static T backward(T delta, T x, T /*n*/) {
    return 2 * (x * delta);  // 2 x can overflow although the product does not
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
