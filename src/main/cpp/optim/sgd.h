// sgd: g ← g + λ w (weight decay),   v ← μ v + g,   w ← w - η v; Nesterov: w ← w - η (g + μ v).
// μ momentum, λ weight decay, η learning rate; without momentum w ← w - η g. As in PyTorch (no dampening).
#pragma once

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct Sgd {
  template <class T>
  HOST_DEVICE static T decayed(T g, T w, T weight_decay) {
    return g + weight_decay * w;
  }

  template <class T>
  HOST_DEVICE static T velocity(T v, T g, T momentum) {
    return momentum * v + g;
  }

  // `v` is already the new velocity.
  template <class T>
  HOST_DEVICE static T nesterov_direction(T v, T g, T momentum) {
    return g + momentum * v;
  }

  template <class T>
  HOST_DEVICE static T apply(T w, T direction, T learning_rate) {
    return w - learning_rate * direction;
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
