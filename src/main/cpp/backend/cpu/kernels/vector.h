// The vector operations of the tile kernel, for the instruction set being built. A lane is one of the floats of a
// vector register. The baseline level has no such operations: with its instructions the BLAS is always faster than a
// tile kernel.
#pragma once

#include "util/host_device.h"

#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
#define CHAINRULE_HAS_VECTORS 1
#include <immintrin.h>

#include <cstdint>

namespace chainrule {
inline namespace CHAINRULE_ISA {

#if defined(__AVX512F__)

// Some operations are used in their masked forms with all lanes enabled, because GCC's plain forms cause warnings about
// an uninitialised register.
using Vector = __m512;
constexpr int lanes = 16;

CHAINRULE_INLINE Vector zero() { return _mm512_setzero_ps(); }
CHAINRULE_INLINE Vector load(const float* p) { return _mm512_loadu_ps(p); }
CHAINRULE_INLINE Vector spread(const float* p) { return _mm512_set1_ps(*p); }
CHAINRULE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
CHAINRULE_INLINE Vector multiply(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
CHAINRULE_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
CHAINRULE_INLINE void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }

// A mask of the first `count` lanes.
using Mask = __mmask16;
CHAINRULE_INLINE Mask first(int64_t count) {
  return count >= lanes ? Mask(0xffff) : Mask((1u << (count < 0 ? 0 : count)) - 1);
}
CHAINRULE_INLINE Vector load(const float* p, Mask mask) { return _mm512_maskz_loadu_ps(mask, p); }
CHAINRULE_INLINE void store(float* p, Vector v, Mask mask) { _mm512_mask_storeu_ps(p, mask, v); }

CHAINRULE_INLINE float sum_of(Vector v) {
  const __m256 half =
      _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, v, 0), _mm512_maskz_extractf32x8_ps(0xff, v, 1));
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

// Transposes a square block: rows[i][j] becomes rows[j][i].
CHAINRULE_INLINE void transpose(Vector (&rows)[lanes]) {
  Vector pairs[lanes], quads[lanes], halves[lanes];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_maskz_unpacklo_ps(0xffff, rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_maskz_unpackhi_ps(0xffff, rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512d a = _mm512_castps_pd(pairs[i]), b = _mm512_castps_pd(pairs[i + 1]);
    const __m512d c = _mm512_castps_pd(pairs[i + 2]), d = _mm512_castps_pd(pairs[i + 3]);
    quads[i] = _mm512_castpd_ps(_mm512_maskz_unpacklo_pd(0xff, a, c));
    quads[i + 1] = _mm512_castpd_ps(_mm512_maskz_unpackhi_pd(0xff, a, c));
    quads[i + 2] = _mm512_castpd_ps(_mm512_maskz_unpacklo_pd(0xff, b, d));
    quads[i + 3] = _mm512_castpd_ps(_mm512_maskz_unpackhi_pd(0xff, b, d));
  }
  // quads[4 g + c] holds, in its 128-bit part q, column 4 q + c of rows 4 g to 4 g + 3.
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    halves[c] = _mm512_maskz_shuffle_f32x4(0xffff, quads[c], quads[4 + c], 0x88);
    halves[4 + c] = _mm512_maskz_shuffle_f32x4(0xffff, quads[8 + c], quads[12 + c], 0x88);
    halves[8 + c] = _mm512_maskz_shuffle_f32x4(0xffff, quads[c], quads[4 + c], 0xdd);
    halves[12 + c] = _mm512_maskz_shuffle_f32x4(0xffff, quads[8 + c], quads[12 + c], 0xdd);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm512_maskz_shuffle_f32x4(0xffff, halves[c], halves[4 + c], 0x88);
    rows[8 + c] = _mm512_maskz_shuffle_f32x4(0xffff, halves[c], halves[4 + c], 0xdd);
    rows[4 + c] = _mm512_maskz_shuffle_f32x4(0xffff, halves[8 + c], halves[12 + c], 0x88);
    rows[12 + c] = _mm512_maskz_shuffle_f32x4(0xffff, halves[8 + c], halves[12 + c], 0xdd);
  }
}

#else

using Vector = __m256;
constexpr int lanes = 8;

CHAINRULE_INLINE Vector zero() { return _mm256_setzero_ps(); }
CHAINRULE_INLINE Vector load(const float* p) { return _mm256_loadu_ps(p); }
CHAINRULE_INLINE Vector spread(const float* p) { return _mm256_broadcast_ss(p); }
CHAINRULE_INLINE Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
CHAINRULE_INLINE Vector multiply(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
CHAINRULE_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
CHAINRULE_INLINE void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }

using Mask = __m256i;
CHAINRULE_INLINE Mask first(int64_t count) {
  const int n = count >= lanes ? lanes : count < 0 ? 0 : static_cast<int>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
CHAINRULE_INLINE Vector load(const float* p, Mask mask) { return _mm256_maskload_ps(p, mask); }
CHAINRULE_INLINE void store(float* p, Vector v, Mask mask) { _mm256_maskstore_ps(p, mask, v); }

CHAINRULE_INLINE float sum_of(Vector v) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

CHAINRULE_INLINE void transpose(Vector (&rows)[lanes]) {
  Vector pairs[lanes], quads[lanes];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    rows[c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x20);
    rows[4 + c] = _mm256_permute2f128_ps(quads[c], quads[4 + c], 0x31);
  }
}

#endif

}  // namespace CHAINRULE_ISA
}  // namespace chainrule

#endif
