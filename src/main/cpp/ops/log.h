// log: a = ln z,   d_z = δ / z.   Saves its input. ln z is NaN for z < 0 and -∞ for z = 0.
// Worst error in ulp: forward 0.9, backward 0.5.
#pragma once

#include "ops/math.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Log {
  static constexpr Saves saves = Saves::input;

  template <class T>
  HOST_DEVICE static T forward(T z, T /*c*/) {
    return math::log(z);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T saved, T /*c*/) {
    return delta / saved;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
