// dropout: a = m z / (1 - c),   d_z = m δ / (1 - c),   m = 0 with probability c, otherwise 1. Outside training a = z.
// N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014. Here the kept values
// are scaled up in training, so predictions need no scaling.
// m depends on the element's random word (random_words.h): the upper 24 bits of the word, as a number from 0 to below
// 1, are compared with c. The comparison is exact in float and in double. A NaN passes through, because m is a factor.
// The rate is rounded to the type. Forward and backward round twice: 1 - c and the quotient.
#pragma once

#include <cstdint>

#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Dropout {
  static constexpr Saves saves = Saves::nothing;
  static constexpr bool random = true;

  template <class T>
  HOST_DEVICE static T forward(T z, T c, uint32_t word) {
    return mask(c, word) * z / (1 - c);
  }

  template <class T>
  HOST_DEVICE static T backward(T delta, T /*saved*/, T c, uint32_t word) {
    return mask(c, word) * delta / (1 - c);
  }

  template <class T>
  HOST_DEVICE static T mask(T c, uint32_t word) {
    return static_cast<T>(static_cast<int32_t>(word >> 8)) < c * static_cast<T>(1 << 24) ? T(0) : T(1);
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
