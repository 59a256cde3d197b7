// A matrix times a vector: each element of the matrix is used once, so that the time is that of reading it.
#pragma once

#include "backend/cpu/kernels/vector.h"

#if CHAINRULE_HAS_VECTORS

namespace chainrule {
inline namespace CHAINRULE_ISA {

// y_i = α s_i + β y_i
struct VectorOut {
  float* y;
  int64_t stride;
  float alpha, beta;

  CHAINRULE_INLINE void put(int64_t i, float sum) const {
    float& place = y[i * stride];
    place = beta == 0 ? alpha * sum : alpha * sum + beta * place;
  }
};

// s_i = Σ_p rows[i][p] x[p] for Rows rows: a sum a lane, then the lanes in pairs.
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

}  // namespace CHAINRULE_ISA
}  // namespace chainrule

#endif
