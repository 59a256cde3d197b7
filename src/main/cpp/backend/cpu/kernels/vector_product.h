// Matrix-vector products. Each element of the matrix is used once, so the time is the time of reading the matrix.
#pragma once

#include "backend/cpu/kernels/vector.h"

#if CHAINRULE_HAS_VECTORS

namespace chainrule {
inline namespace CHAINRULE_ISA {

// Writes y_i = α s_i + β y_i.
struct VectorOut {
  float* y;
  int64_t stride;
  float alpha, beta;

  CHAINRULE_INLINE void put(int64_t i, float sum) const {
    float& target = y[i * stride];
    target = beta == 0 ? alpha * sum : alpha * sum + beta * target;
  }
};

// s_i = Σ_p rows[i][p] x[p] for Rows rows. Each lane has its own sum; at the end the lanes are added in pairs.
template <int Rows>
CHAINRULE_INLINE void dot_rows(const float* rows, int64_t stride, int64_t depth, const float* x, int64_t i,
                               const VectorOut& out) {
  Vector sum[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) sum[r] = zero();
  int64_t p = 0;
  for (; p + lanes <= depth; p += lanes) {
    const Vector right = load(x + p);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) sum[r] = multiply_add(load(rows + r * stride + p), right, sum[r]);
  }
  if (p < depth) {
    const Mask mask = first(depth - p);
    const Vector right = load(x + p, mask);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) sum[r] = multiply_add(load(rows + r * stride + p, mask), right, sum[r]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) out.put(i + r, sum_of(sum[r]));
}

// y = α A x + β y, A row-major.
inline void multiply_rows(int64_t rows, int64_t depth, const float* a, int64_t stride, const float* x,
                          const VectorOut& out) {
  int64_t i = 0;
  for (; i + 8 <= rows; i += 8) dot_rows<8>(a + i * stride, stride, depth, x, i, out);
  for (; i < rows; ++i) dot_rows<1>(a + i * stride, stride, depth, x, i, out);
}

// s_j = Σ_p x[p] rows[p][j] for `count` columns, which must fit into `Vectors` vectors. The sums stay in registers.
template <int Vectors>
CHAINRULE_INLINE void sum_rows(const float* rows, int64_t stride, int64_t depth, const float* x, int64_t j,
                               int64_t count, const VectorOut& out) {
  Vector sum[Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) sum[v] = zero();
  const Mask last = first(count - (Vectors - 1) * lanes);
  for (int64_t p = 0; p < depth; ++p) {
    const Vector left = spread(x + p);
    const float* row = rows + p * stride;
#pragma GCC unroll 8
    for (int v = 0; v + 1 < Vectors; ++v) sum[v] = multiply_add(left, load(row + v * lanes), sum[v]);
    sum[Vectors - 1] = multiply_add(left, load(row + (Vectors - 1) * lanes, last), sum[Vectors - 1]);
  }
  float sums[Vectors * lanes];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) store(sums + v * lanes, sum[v]);
  if (out.stride == 1) {
    for (int64_t i = 0; i < count; ++i) VectorOut{out.y, 1, out.alpha, out.beta}.put(j + i, sums[i]);
  } else {
    for (int64_t i = 0; i < count; ++i) out.put(j + i, sums[i]);
  }
}

// y = α Aᵀ x + β y, A row-major.
inline void multiply_columns(int64_t columns, int64_t depth, const float* a, int64_t stride, const float* x,
                             const VectorOut& out) {
  int64_t j = 0;
  for (; j + 8 * lanes <= columns; j += 8 * lanes) {
    sum_rows<8>(a + j, stride, depth, x, j, 8 * lanes, out);
  }
  for (; j + 4 * lanes <= columns; j += 4 * lanes) {
    sum_rows<4>(a + j, stride, depth, x, j, 4 * lanes, out);
  }
  for (int64_t width = 0; j < columns; j += width) {
    width = columns - j < lanes ? columns - j : lanes;
    sum_rows<1>(a + j, stride, depth, x, j, width, out);
  }
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule

#endif
