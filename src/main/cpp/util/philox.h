// Philox4x32-10: counter-based random numbers (J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy
// as 1, 2, 3, 2011). Four words are a function of a 128-bit counter and a 64-bit key. The words of any element can
// therefore be computed in any order, on the CPU and on a device. Uses only 32-bit integers and their 64-bit products.
#pragma once

#include <cstdint>

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

struct PhiloxWords {
  uint32_t w0, w1, w2, w3;
};

struct PhiloxKey {
  uint32_t k0, k1;
};

HOST_DEVICE inline PhiloxWords philox(PhiloxWords counter, PhiloxKey key) {
  constexpr uint32_t multiplier0 = 0xd2511f53u, multiplier1 = 0xcd9e8d57u;
  constexpr uint32_t weyl0 = 0x9e3779b9u, weyl1 = 0xbb67ae85u;  // the golden ratio, √3 - 1
  constexpr int rounds = 10;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t product0 = static_cast<uint64_t>(multiplier0) * counter.w0;
    const uint64_t product1 = static_cast<uint64_t>(multiplier1) * counter.w2;
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter.w1 ^ key.k0, static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter.w3 ^ key.k1, static_cast<uint32_t>(product0)};
    key.k0 += weyl0;
    key.k1 += weyl1;
  }
  return counter;
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
