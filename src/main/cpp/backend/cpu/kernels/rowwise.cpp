// Sums over the batch, for each row, and sums over the features of each sample, for each column. The order of each sum
// depends only on the shape. Sums of many terms are computed in double, or in lanes that are added in pairs.
#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/kernels/sums.h"
#include "ops/layer_norm.h"
#include "ops/log_sum_exp.h"
#include "ops/softmax.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

// Calls body(first, width) for the blocks of a tile's columns.
template <class Body>
inline void for_blocks(const Rect& rect, Body body) {
  for (int64_t c = rect.column_begin; c < rect.column_end; c += column_block) {
    int64_t left = rect.column_end - c;
    body(c, left < column_block ? left : column_block);
  }
}

// Returns true if x is neither infinite nor a NaN.
inline bool is_finite(double x) { return math::abs(x) < math::format<double>::infinity; }

// Returns Σ f(x_i) over contiguous values. The terms are added in lanes, which the compiler keeps in vectors. Each lane
// adds up to terms_in_sequence terms. Then the sum of the lanes is added to the total (ops/long_sum.h).
template <class T, class F>
inline double sum_contiguous(const T* x, int64_t n, F f) {
  constexpr int64_t lanes = 32, span = lanes * terms_in_sequence;
  double total = 0, error = 0;
  for (int64_t begin = 0; begin < n; begin += span) {
    int64_t end = n < begin + span ? n : begin + span;
    T lane[lanes] = {};
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      for (int64_t l = 0; l < lanes; ++l) lane[l] += f(x[i + l]);
    }
    for (int64_t l = 0; i < end; ++i, ++l) lane[l] += f(x[i]);
    for (int64_t width = lanes / 2; width > 0; width /= 2) {
      for (int64_t l = 0; l < width; ++l) lane[l] += lane[l + width];
    }
    if constexpr (sizeof(T) == sizeof(double)) {
      add_with_error(total, error, lane[0]);
    } else {
      total += static_cast<double>(lane[0]);
    }
  }
  if constexpr (sizeof(T) == sizeof(double)) return with_error(total, error);
  if (!is_finite(total)) {  // A lane can overflow although the sum does not.
    total = 0;
    for (int64_t i = 0; i < n; ++i) total += static_cast<double>(f(x[i]));
  }
  return total;
}

// Sums of doubles are computed again with this factor if they overflow. The sum, or the mean, can still be finite.
constexpr double against_overflow = 0x1p-64;

template <class T>
struct Rowwise {
  static void row_sum(const Step& step, const Context& context, const Rect& rect) {
    View<T> s = view<T>(context, step.operands[0]), x = view<T>(context, step.operands[1]);
    const double rate = context.update.learning_rate();
    const double alpha = step.alpha.at(rate), beta = step.beta.at(rate);
    for (int64_t c = rect.column_begin; c < rect.column_end;) {  // for each part of the tile
      const int64_t left = step.columns - c, width = step.part_depth < left ? step.part_depth : left;
      const int64_t first_row = c == 0 ? 0 : c / step.part_depth * step.rows;
      for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
        const T* row = x.row(r);
        double sum = x.spread ? static_cast<double>(*row) * static_cast<double>(width)
                              : sum_contiguous(row + c, width, [](T v) { return v; });
        T& out = *s.row(first_row + r);
        out = static_cast<T>(alpha * sum + (beta == 0 ? 0.0 : beta * static_cast<double>(out)));
      }
      c += width;
    }
  }

  static void sum_parts(const Step& step, const Context& context, const Rect& rect) {
    View<T> c = view<T>(context, step.operands[0]), s = view<T>(context, step.operands[1]);
    const double rate = context.update.learning_rate();
    const double alpha = step.alpha.at(rate), beta = step.beta.at(rate);
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      for_blocks(rect, [&](int64_t begin, int64_t width) {
        ColumnSums<T, double, column_block> sums;
        for (int64_t p = 0; p < step.parts; ++p) {
          const T* part = s.row(p * step.rows + r) + begin;
          for (int64_t i = 0; i < width; ++i) sums.part[i] += static_cast<double>(part[i]);
          sums.end_row(p, width);
        }
        sums.finish(width);
        T* out = c.row(r) + begin;
        for (int64_t i = 0; i < width; ++i) {
          out[i] =
              static_cast<T>(alpha * sums.part[i] + (beta == 0 ? 0.0 : beta * static_cast<double>(out[i])));
        }
      });
    }
  }

  template <class Rule>
  static void reduction_forward(const Step& step, const Context& context, const Rect& rect) {
    View<T> s = view<T>(context, step.operands[0]), x = view<T>(context, step.operands[1]);
    const double n = static_cast<double>(step.count);
    if (step.columns == 1 && x.row_stride == 1) {
      const double sum = sum_contiguous(x.data, step.rows, [](T v) { return Rule::term(v); });
      *s.data = finish_sum<Rule>(sum, x, step.rows, 0, n);
      return;
    }
    for_blocks(rect, [&](int64_t c, int64_t width) {
      ColumnSums<T, double, column_block> sums;
      for (int64_t r = 0; r < step.rows; ++r) {
        const T* row = x.row(r) + c;
        for (int64_t i = 0; i < width; ++i) sums.part[i] += static_cast<double>(Rule::term(row[i]));
        sums.end_row(r, width);
      }
      sums.finish(width);
      for (int64_t i = 0; i < width; ++i)
        s.data[c + i] = finish_sum<Rule>(sums.part[i], x, step.rows, c + i, n);
    });
  }

  // Returns the result from the sum of a column's terms. Computes the sum again if it has overflowed.
  template <class Rule>
  CHAINRULE_INLINE static T finish_sum(double sum, const View<T>& x, int64_t rows, int64_t c, double n) {
    if constexpr (sizeof(T) == sizeof(double)) {
      if (!is_finite(sum)) {
        double error = sum = 0;
        for (int64_t r = 0; r < rows; ++r)
          add_with_error(sum, error, Rule::term(x.row(r)[c]) * against_overflow);
        return Rule::finish(with_error(sum, error), n) / against_overflow;
      }
    }
    return static_cast<T>(Rule::finish(sum, n));
  }

  // Computes m = max_r z.
  CHAINRULE_INLINE static void find_max(const View<T>& z, int64_t rows, int64_t c, int64_t width, T* max) {
    for (int64_t i = 0; i < width; ++i) max[i] = z.data[c + i];
    for (int64_t r = 1; r < rows; ++r) {
      const T* row = z.row(r) + c;
      for (int64_t i = 0; i < width; ++i) max[i] = max[i] < row[i] || row[i] != row[i] ? row[i] : max[i];
    }
  }

  static void log_sum_exp_forward(const Step& step, const Context& context, const Rect& rect) {
    View<T> s = view<T>(context, step.operands[0]), z = view<T>(context, step.operands[1]);
    View<T> saved = view<T>(context, step.operands[2]);
    for_blocks(rect, [&](int64_t c, int64_t width) {
      T max[column_block];
      find_max(z, step.rows, c, width, max);
      ColumnSums<T, T, column_block> below_max, maxima;
      for (int64_t r = 0; r < step.rows; ++r) {
        const T* row = z.row(r) + c;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          below_max.part[i] += Softmax::below_max(row[i], max[i], Softmax::numerator(row[i], max[i]));
          maxima.part[i] += Softmax::is_max(row[i], max[i]);
        }
        below_max.end_row(r, width);
        maxima.end_row(r, width);
      }
      below_max.finish(width);
      maxima.finish(width);
      for (int64_t i = 0; i < width; ++i) {
        const T others = Softmax::others(below_max.part[i], maxima.part[i]);
        s.data[c + i] = LogSumExp::forward(max[i], others);
        if (saved.data == nullptr) continue;
        saved.row(0)[c + i] = max[i];
        saved.row(1)[c + i] = LogSumExp::inverse(others);
      }
    });
  }

  static void softmax_forward(const Step& step, const Context& context, const Rect& rect) {
    View<T> a = view<T>(context, step.operands[0]), z = view<T>(context, step.operands[1]);
    for_blocks(rect, [&](int64_t c, int64_t width) {
      T max[column_block];
      find_max(z, step.rows, c, width, max);
      ColumnSums<T, T, column_block> below_max, maxima;
      for (int64_t r = 0; r < step.rows; ++r) {
        const T* row = z.row(r) + c;
        T* numerators = a.row(r) + c;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          const T logit = row[i], numerator = Softmax::numerator(logit, max[i]);
          numerators[i] = numerator;
          below_max.part[i] += Softmax::below_max(logit, max[i], numerator);
          maxima.part[i] += Softmax::is_max(logit, max[i]);
        }
        below_max.end_row(r, width);
        maxima.end_row(r, width);
      }
      below_max.finish(width);
      maxima.finish(width);
      T sum[column_block];
      for (int64_t i = 0; i < width; ++i)
        sum[i] = Softmax::sum(Softmax::others(below_max.part[i], maxima.part[i]));
      for (int64_t r = 0; r < step.rows; ++r) {
        T* row = a.row(r) + c;
        for (int64_t i = 0; i < width; ++i) row[i] = Softmax::forward(row[i], sum[i]);
      }
    });
  }

  static void softmax_backward(const Step& step, const Context& context, const Rect& rect) {
    View<T> d_z = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> a = view<T>(context, step.operands[2]);
    for_blocks(rect, [&](int64_t c, int64_t width) {
      ColumnSums<T, T, column_block> dots;
      for (int64_t r = 0; r < step.rows; ++r) {
        const T *d = delta.row(r) + c, *p = a.row(r) + c;
        for (int64_t i = 0; i < width; ++i) dots.part[i] += p[i] * d[i];
        dots.end_row(r, width);
      }
      dots.finish(width);
      for (int64_t r = 0; r < step.rows; ++r) {
        const T *d = delta.row(r) + c, *p = a.row(r) + c;
        T* out = d_z.row(r) + c;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i)
          store(out[i], Softmax::backward(d[i], p[i], dots.part[i]), step.accumulate);
      }
    });
  }

  // ---- layer_norm. `saved` has three rows, with a column per sample: the mean, what its rounding lost (`rest`), and
  // r.

  static void layer_norm_forward(const Step& step, const Context& context, const Rect& rect) {
    const View<T> y = view<T>(context, step.operands[0]), x = view<T>(context, step.operands[1]);
    const View<T> saved = view<T>(context, step.operands[2]);
    const View<T> weight = view<T>(context, step.operands[3]), bias = view<T>(context, step.operands[4]);
    const double k = static_cast<double>(step.count);
    for_blocks(rect, [&](int64_t c, int64_t width) {
      ColumnSums<T, double, column_block> sums, rests, squares;
      T mean[column_block], rest[column_block], r[column_block];
      for (int64_t row = 0; row < step.rows; ++row) {
        const T* from = x.row(row) + c;
        for (int64_t i = 0; i < width; ++i) sums.part[i] += static_cast<double>(from[i]);
        sums.end_row(row, width);
      }
      sums.finish(width);
      for (int64_t i = 0; i < width; ++i) mean[i] = LayerNorm::mean<T>(sums.part[i], k);
      for (int64_t row = 0; row < step.rows; ++row) {
        const T* from = x.row(row) + c;
        for (int64_t i = 0; i < width; ++i) {
          const double from_mean = static_cast<double>(from[i]) - static_cast<double>(mean[i]);
          rests.part[i] += from_mean;
          squares.part[i] += from_mean * from_mean;
        }
        rests.end_row(row, width);
        squares.end_row(row, width);
      }
      rests.finish(width);
      squares.finish(width);
      for (int64_t i = 0; i < width; ++i) {
        rest[i] = LayerNorm::rest<T>(rests.part[i], k);
        r[i] = LayerNorm::r<T>(rests.part[i], squares.part[i], k, step.constant);
      }
      if (saved.data != nullptr) {
        for (int64_t i = 0; i < width; ++i) {
          saved.row(0)[c + i] = mean[i];
          saved.row(1)[c + i] = rest[i];
          saved.row(2)[c + i] = r[i];
        }
      }
      for (int64_t row = 0; row < step.rows; ++row) {
        const T* from = x.row(row) + c;
        T* to = y.row(row) + c;
        const T w = weight.data == nullptr ? T(1) : *weight.row(row);
        const T b = bias.data == nullptr ? T(0) : *bias.row(row);
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          to[i] = LayerNorm::forward(LayerNorm::normalised(from[i], mean[i], rest[i], r[i]), w, b);
        }
      }
    });
  }

  static void layer_norm_backward(const Step& step, const Context& context, const Rect& rect) {
    const View<T> d_x = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    const View<T> x = view<T>(context, step.operands[2]), saved = view<T>(context, step.operands[3]);
    const View<T> weight = view<T>(context, step.operands[4]);
    const double k = static_cast<double>(step.count);
    for_blocks(rect, [&](int64_t c, int64_t width) {
      const T *mean = saved.row(0) + c, *rest = saved.row(1) + c, *r = saved.row(2) + c;
      ColumnSums<T, double, column_block> sums, products;
      T mean_g[column_block], mean_gn[column_block];
      for (int64_t row = 0; row < step.rows; ++row) {
        const T *d = delta.row(row) + c, *from = x.row(row) + c;
        const T w = weight.data == nullptr ? T(1) : *weight.row(row);
        for (int64_t i = 0; i < width; ++i) {
          const double g = static_cast<double>(w * d[i]);
          sums.part[i] += g;
          products.part[i] += g * static_cast<double>(LayerNorm::normalised(from[i], mean[i], rest[i], r[i]));
        }
        sums.end_row(row, width);
        products.end_row(row, width);
      }
      sums.finish(width);
      products.finish(width);
      for (int64_t i = 0; i < width; ++i) {
        mean_g[i] = static_cast<T>(sums.part[i] / k);
        mean_gn[i] = static_cast<T>(products.part[i] / k);
      }
      for (int64_t row = 0; row < step.rows; ++row) {
        const T *d = delta.row(row) + c, *from = x.row(row) + c;
        const T w = weight.data == nullptr ? T(1) : *weight.row(row);
        T* to = d_x.row(row) + c;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          const T n = LayerNorm::normalised(from[i], mean[i], rest[i], r[i]);
          store(to[i], LayerNorm::backward(w * d[i], n, r[i], mean_g[i], mean_gn[i]), step.accumulate);
        }
      }
    });
  }

  static void layer_norm_weight_backward(const Step& step, const Context& context, const Rect& rect) {
    const View<T> t = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    const View<T> x = view<T>(context, step.operands[2]), saved = view<T>(context, step.operands[3]);
    const T *mean = saved.row(0), *rest = saved.row(1), *r = saved.row(2);
    for (int64_t row = rect.row_begin; row < rect.row_end; ++row) {
      T* to = t.row(row);
      const T *d = delta.row(row), *from = x.row(row);
      CHAINRULE_VECTORIZE
      for (int64_t c = rect.column_begin; c < rect.column_end; ++c) {
        store(to[c], LayerNorm::d_weight(d[c], LayerNorm::normalised(from[c], mean[c], rest[c], r[c])),
              step.accumulate);
      }
    }
  }
};

// Returns the kernel for a step of a row-wise rule: forward, backward, or the terms of a parameter's gradient.
template <class T>
Kernel find_rule(const Step& step) {
  const bool forward = step.kind == StepKind::rowwise_forward;
  const bool backward = step.kind == StepKind::rowwise_backward;
  switch (step.op) {
    case Op::softmax: return forward ? Rowwise<T>::softmax_forward : Rowwise<T>::softmax_backward;
    case Op::layer_norm:
      return forward    ? Rowwise<T>::layer_norm_forward
             : backward ? Rowwise<T>::layer_norm_backward
                        : Rowwise<T>::layer_norm_weight_backward;
    default: return nullptr;
  }
}

template <class T>
Kernel find(const Step& step) {
  switch (step.kind) {
    case StepKind::row_sum: return Rowwise<T>::row_sum;
    case StepKind::sum_parts: return Rowwise<T>::sum_parts;
    case StepKind::reduction_forward:
      return visit_reduction(step.op, Kernel(nullptr), [](auto rule) {
        return Kernel(Rowwise<T>::template reduction_forward<decltype(rule)>);
      });
    case StepKind::log_sum_exp_forward: return Rowwise<T>::log_sum_exp_forward;
    case StepKind::rowwise_forward:
    case StepKind::rowwise_backward:
    case StepKind::rowwise_parameter_backward: return find_rule<T>(step);
    default: return nullptr;
  }
}

}  // namespace

Kernel find_rowwise(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
