// mean: s = (Σ x) / n over the n features,   d_x = δ / n for every feature.
// Largest measured errors in ulp of Σ |x| / n, for rows of 1 to 1000 features, on the CPU and on CUDA: 2.3 in float, 6.4
// in double; backward 0.5.
#pragma once

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Mean {
  static constexpr Saves saves = Saves::nothing;

  // s = finish(Σ term(x), n). The sum is over the n features of a sample and is computed in double.
  template <class T>
  HOST_DEVICE static T term(T x) {
    return x;
  }

  HOST_DEVICE static double finish(double total, double n) { return total / n; }

  // d_x for one feature.
  template <class T>
  HOST_DEVICE static T backward(T delta, T /*x*/, T n) {
    return delta / n;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
