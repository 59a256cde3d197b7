// The random words of training steps. A random rule gets one 32-bit word per element. The word depends only on the
// model's seed, the node, the step and the element, which is given by its feature and by the position of its sample in
// the whole step. So forward and backward compute the same word on any device and need not save it. A step that
// consists of several batches gets the same words as one large batch. The numbers of step, node, feature and sample / 4
// are taken modulo 2³².
#pragma once

#include <cstdint>

#include "util/host_device.h"
#include "util/philox.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

HOST_DEVICE inline uint32_t word_of(const PhiloxWords& four, int32_t which) {
  return which == 0 ? four.w0 : which == 1 ? four.w1 : which == 2 ? four.w2 : four.w3;
}

struct RandomWords {
  PhiloxKey key;
  uint32_t step, node;

  HOST_DEVICE static RandomWords of(uint64_t seed, int64_t step, int32_t node) {
    return {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
            static_cast<uint32_t>(step),
            static_cast<uint32_t>(node)};
  }

  // Returns the words of samples 4 i to 4 i + 3.
  HOST_DEVICE PhiloxWords four(int64_t feature, int64_t i) const {
    return philox({static_cast<uint32_t>(i), static_cast<uint32_t>(feature), step, node}, key);
  }

  HOST_DEVICE uint32_t at(int64_t feature, int64_t sample) const {
    return word_of(four(feature, sample >> 2), static_cast<int32_t>(sample & 3));
  }
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
