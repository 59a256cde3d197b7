// Counter-based random numbers. The value at (seed, stream, index) is a hash of the three numbers, so it does not
// depend on the order in which values are drawn. A stream is an independent sequence for one seed. The mixing function
// is that of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).
#pragma once

#include <cmath>
#include <cstdint>

namespace chainrule {

inline uint64_t mix_bits(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline uint64_t random_bits(uint64_t seed, uint64_t stream, uint64_t index) {
  return mix_bits(mix_bits(mix_bits(seed) ^ stream) ^ index);
}

// Uniform in [0, 1), with 53 bits.
inline double random_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
  return static_cast<double>(random_bits(seed, stream, index) >> 11) * 0x1p-53;
}

// Standard normal (G. Box, M. Muller, 1958).
inline double random_normal(uint64_t seed, uint64_t stream, uint64_t index) {
  double u = 1.0 - random_uniform(seed, stream, 2 * index), v = random_uniform(seed, stream, 2 * index + 1);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
}

// Uniform in [0, bound). The bias is negligible for bounds below 2^40.
inline uint64_t random_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(random_bits(seed, stream, index)) * bound) >>
                               64);
}

}  // namespace chainrule
