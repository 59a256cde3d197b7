// Kernels that copy rows, transpose between the user's [batch][feature] and the engine's [feature][batch], and compute
// polynomial features.
#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/kernels/sums.h"
#include "ops/polynomial_features.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

template <class T>
struct Layout {
  static void copy(const Step& step, const Context& context, const Rect& rect) {
    View<T> d = view<T>(context, step.operands[0]), s = view<T>(context, step.operands[1]);
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      T* to = d.row(r);
      const T* from = s.row(r);
      CHAINRULE_VECTORIZE
      for (int64_t i = rect.column_begin; i < rect.column_end; ++i) store(to[i], from[i], step.accumulate);
    }
  }

  // The side of a square block that is transposed at a time. The block's cache lines of both operands stay in the
  // first-level cache.
  static constexpr int64_t side = 16;

  template <class Body>
  static void for_squares(const Rect& rect, Body body) {
    for (int64_t r = rect.row_begin; r < rect.row_end; r += side) {
      int64_t r_end = r + side < rect.row_end ? r + side : rect.row_end;
      for (int64_t c = rect.column_begin; c < rect.column_end; c += side) {
        body(r, r_end, c, c + side < rect.column_end ? c + side : rect.column_end);
      }
    }
  }

  // The domain is [feature][batch]. The row stride of the user's operand is the distance between two samples.
  static void transpose_in(const Step& step, const Context& context, const Rect& rect) {
    View<T> x = view<T>(context, step.operands[0]), user = view<T>(context, step.operands[1]);
    for_squares(rect, [&](int64_t r, int64_t r_end, int64_t c, int64_t c_end) {
      for (int64_t i = r; i < r_end; ++i) {
        for (int64_t j = c; j < c_end; ++j) x.row(i)[j] = user.row(j)[i];
      }
    });
  }

  // Adding 0 turns the -0 that ReLU stores into 0.
  static void transpose_out(const Step& step, const Context& context, const Rect& rect) {
    View<T> user = view<T>(context, step.operands[0]), x = view<T>(context, step.operands[1]);
    for_squares(rect, [&](int64_t r, int64_t r_end, int64_t c, int64_t c_end) {
      for (int64_t j = c; j < c_end; ++j) {
        for (int64_t i = r; i < r_end; ++i) user.row(j)[i] = x.row(i)[j] + T(0);
      }
    });
  }

  static void polynomial_forward(const Step& step, const Context& context, const Rect& rect) {
    using Rule = PolynomialFeatures;
    View<T> phi = view<T>(context, step.operands[0]), x = view<T>(context, step.operands[1]);
    const int64_t n = step.rows, begin = rect.column_begin, end = rect.column_end;
    for (int64_t i = 0; i < n; ++i) {
      const T* x_i = x.row(i);
      T *same = phi.row(i), *square = phi.row(n + i);
      for (int64_t c = begin; c < end; ++c) same[c] = x_i[c];
      for (int64_t c = begin; c < end; ++c) square[c] = Rule::product(x_i[c], x_i[c]);
      for (int64_t j = i + 1; j < n; ++j) {
        const T* x_j = x.row(j);
        T* out = phi.row(Rule::pair(i, j, n));
        CHAINRULE_VECTORIZE
        for (int64_t c = begin; c < end; ++c) out[c] = Rule::product(x_i[c], x_j[c]);
      }
    }
  }

  static void polynomial_backward(const Step& step, const Context& context, const Rect& rect) {
    using Rule = PolynomialFeatures;
    View<T> d_x = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> x = view<T>(context, step.operands[2]);
    const int64_t n = step.rows, begin = rect.column_begin, end = rect.column_end;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t first = begin; first < end; first += column_block) {
        const int64_t left = end - first, width = left < column_block ? left : column_block;
        ColumnSums<T, T, column_block> sums;
        const T *x_i = x.row(i) + first, *same = delta.row(i) + first, *square = delta.row(n + i) + first;
        for (int64_t c = 0; c < width; ++c) sums.part[c] = same[c] + 2 * Rule::d_factor(square[c], x_i[c]);
        for (int64_t j = 0; j < n; ++j) {
          if (j == i) continue;
          const T* x_j = x.row(j) + first;
          const T* g = delta.row(i < j ? Rule::pair(i, j, n) : Rule::pair(j, i, n)) + first;
          for (int64_t c = 0; c < width; ++c) sums.part[c] += Rule::d_factor(g[c], x_j[c]);
          sums.end_row(j, width);
        }
        sums.finish(width);
        T* d = d_x.row(i) + first;
        for (int64_t c = 0; c < width; ++c) store(d[c], sums.part[c], step.accumulate);
      }
    }
  }
};

template <class T>
Kernel find(const Step& step) {
  switch (step.kind) {
    case StepKind::copy: return Layout<T>::copy;
    case StepKind::transpose_in: return Layout<T>::transpose_in;
    case StepKind::transpose_out: return Layout<T>::transpose_out;
    case StepKind::polynomial_forward: return Layout<T>::polynomial_forward;
    case StepKind::polynomial_backward: return Layout<T>::polynomial_backward;
    default: return nullptr;
  }
}

}  // namespace

Kernel find_layout(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
