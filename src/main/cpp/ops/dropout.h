// dropout: in training a = m z / (1 - c),   d_z = m δ / (1 - c),   m = 0 with probability c, else 1; a = z elsewhere
// (N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014, with the kept values
// scaled up in training, so that nothing is left to do in predictions). m comes from the element's word (random_words.h):
// its upper 24 bits, a number from 0 to below 1, are compared with c, exactly in either type. The product with m lets
// NaN through.
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
