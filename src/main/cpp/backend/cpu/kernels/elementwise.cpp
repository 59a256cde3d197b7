// Loops that apply the elementwise rules to the rows of a tile. The compiler vectorises them.
#include "backend/cpu/kernels/kernels.h"
#include "ops/log_sum_exp.h"
#include "ops/random_words.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

// Computes one row of d = f(a, b) or d += f(a, b). A spread operand has one value for the whole row.
template <bool SpreadA, bool SpreadB, bool Accumulate, class T, class F>
inline void zip_row(T* d, const T* a, const T* b, int64_t n, F f) {
  const T a0 = *a, b0 = *b;
  CHAINRULE_VECTORIZE
  for (int64_t i = 0; i < n; ++i) {
    const T value = f(SpreadA ? a0 : a[i], SpreadB ? b0 : b[i]);
    d[i] = Accumulate ? d[i] + value : value;
  }
}

// The cases that a kernel supports: whether a and b may be spread, and whether results may be accumulated. Each
// supported case doubles the code of the kernel, so a kernel lists only those that occur.
template <bool SpreadA, bool SpreadB, bool Accumulate>
struct OperandCases {
  template <class T, class F>
  static void row(T* d, const T* a, bool spread_a, const T* b, bool spread_b, int64_t n, bool accumulate,
                  F f) {
    if constexpr (SpreadA) {
      if (spread_a)
        return OperandCases<false, SpreadB, Accumulate>::template with_a<true>(d, a, b, spread_b, n,
                                                                               accumulate, f);
    }
    OperandCases<false, SpreadB, Accumulate>::template with_a<false>(d, a, b, spread_b, n, accumulate, f);
  }

  template <bool A, class T, class F>
  static void with_a(T* d, const T* a, const T* b, bool spread_b, int64_t n, bool accumulate, F f) {
    if constexpr (SpreadB) {
      if (spread_b) return with_b<A, true>(d, a, b, n, accumulate, f);
    }
    with_b<A, false>(d, a, b, n, accumulate, f);
  }

  template <bool A, bool B, class T, class F>
  static void with_b(T* d, const T* a, const T* b, int64_t n, bool accumulate, F f) {
    if constexpr (Accumulate) {
      if (accumulate) return zip_row<A, B, true>(d, a, b, n, f);
    }
    zip_row<A, B, false>(d, a, b, n, f);
  }
};

template <class Cases, class T, class F>
void zip(const Step& step, const Rect& rect, const View<T>& d, const View<T>& a, const View<T>& b, F f) {
  int64_t begin = rect.column_begin, n = rect.column_end - begin, rows = rect.row_end - rect.row_begin;
  bool spread_a = a.spread, spread_b = b.spread;
  if (n == 1 && rows > 1 && d.row_stride == 1 && a.row_stride <= 1 && b.row_stride <= 1) {
    // One sample: the features are contiguous and are processed as one row. In this view an operand with one value per
    // row is a full row.
    n = rows, rows = 1;
    spread_a = a.row_stride == 0, spread_b = b.row_stride == 0;
  }
  for (int64_t r = rect.row_begin; r < rect.row_begin + rows; ++r) {
    Cases::row(d.row(r) + begin, a.row(r) + (a.spread ? 0 : begin), spread_a,
               b.row(r) + (b.spread ? 0 : begin), spread_b, n, step.accumulate, f);
  }
}

// The number of samples for which random words are computed at a time.
constexpr int64_t word_block = 256;

// Calls body(row, column, count, words) for blocks of columns of each row. words[i] is the random word of column + i.
template <class Body>
void with_words(const Step& step, const Context& context, const Rect& rect, Body body) {
  const RandomWords random = RandomWords::of(context.seed, context.step, step.node);
  const int64_t before = step.by_sample ? context.first_sample : 0;
  uint32_t words[word_block + 8];
  for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
    for (int64_t c = rect.column_begin; c < rect.column_end; c += word_block) {
      const int64_t left = rect.column_end - c, count = left < word_block ? left : word_block;
      const int64_t first = (before + c) / 4, skipped = (before + c) % 4, fours = (skipped + count + 3) / 4;
      CHAINRULE_VECTORIZE
      for (int64_t i = 0; i < fours; ++i) {
        const PhiloxWords four = random.four(r, first + i);
        words[4 * i] = four.w0;
        words[4 * i + 1] = four.w1;
        words[4 * i + 2] = four.w2;
        words[4 * i + 3] = four.w3;
      }
      body(r, c, count, words + skipped);
    }
  }
}

template <class T, class Rule>
struct Elementwise {
  static void random_forward(const Step& step, const Context& context, const Rect& rect) {
    const T constant = static_cast<T>(step.constant);
    const View<T> a = view<T>(context, step.operands[0]), z = view<T>(context, step.operands[1]);
    const View<T> bias = view<T>(context, step.operands[2]);  // one value per row
    with_words(step, context, rect, [&](int64_t r, int64_t c, int64_t count, const uint32_t* words) {
      const T b = bias.data == nullptr ? T(0) : *bias.row(r);
      T* to = a.row(r) + c;
      const T* from = z.row(r) + c;
      CHAINRULE_VECTORIZE
      for (int64_t i = 0; i < count; ++i) to[i] = Rule::forward(from[i] + b, constant, words[i]);
    });
  }

  static void random_backward(const Step& step, const Context& context, const Rect& rect) {
    const T constant = static_cast<T>(step.constant);
    const View<T> d_z = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    const View<T> saved = step.operands[2].present() ? view<T>(context, step.operands[2]) : delta;
    with_words(step, context, rect, [&](int64_t r, int64_t c, int64_t count, const uint32_t* words) {
      T* to = d_z.row(r) + c;
      const T *d = delta.row(r) + c, *s = saved.row(r) + c;
      CHAINRULE_VECTORIZE
      for (int64_t i = 0; i < count; ++i) {
        store(to[i], Rule::backward(d[i], s[i], constant, words[i]), step.accumulate);
      }
    });
  }

  // As unary_forward. Also writes the derivatives, which may overwrite z.
  static void forward_with_derivative(const Step& step, const Context& context, const Rect& rect) {
    const T c = static_cast<T>(step.constant), no_bias = -T(0);  // x + -0 is x, for x = -0 too
    const View<T> a = view<T>(context, step.operands[0]), z = view<T>(context, step.operands[1]);
    const View<T> derivative = view<T>(context, step.operands[3]);
    View<T> bias{const_cast<T*>(&no_bias), 0, true};  // one value per row
    if (step.operands[2].present()) bias = view<T>(context, step.operands[2]);
    const int64_t begin = rect.column_begin, n = rect.column_end - begin;
    const int64_t rows = rect.row_end - rect.row_begin;
    const bool dense = a.row_stride == 1 && z.row_stride == 1 && derivative.row_stride == 1;
    if (n == 1 && rows > 1 && dense && bias.row_stride == 1) {
      const int64_t r = rect.row_begin;  // one sample, as in zip()
      return row_with_derivative<false>(a.row(r) + begin, derivative.row(r) + begin, z.row(r) + begin,
                                        bias.row(r), rows, c);
    }
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      row_with_derivative<true>(a.row(r) + begin, derivative.row(r) + begin, z.row(r) + begin, bias.row(r), n,
                                c);
    }
  }

  template <bool SpreadBias>
  static void row_with_derivative(T* a, T* derivative, const T* z, const T* bias, int64_t n, T c) {
    const T b0 = *bias;
    CHAINRULE_VECTORIZE
    for (int64_t i = 0; i < n; ++i) {
      const WithDerivative<T> both = Rule::with_derivative(z[i] + (SpreadBias ? b0 : bias[i]), c);
      a[i] = both.value;
      derivative[i] = both.derivative;
    }
  }

  static void unary_forward(const Step& step, const Context& context, const Rect& rect) {
    if constexpr (Rule::saves == Saves::derivative) {
      if (step.operands[3].present()) return forward_with_derivative(step, context, rect);
    }
    const T c = static_cast<T>(step.constant);
    View<T> a = view<T>(context, step.operands[0]), z = view<T>(context, step.operands[1]);
    View<T> bias = view<T>(context, step.operands[2]);
    if (step.operands[2].present()) {
      zip<OperandCases<false, true, false>>(
          step, rect, a, z, bias, [c](T x, T b) CHAINRULE_INLINED { return Rule::forward(x + b, c); });
    } else {
      zip<OperandCases<false, false, false>>(step, rect, a, z, z,
                                             [c](T x, T) CHAINRULE_INLINED { return Rule::forward(x, c); });
    }
  }

  static void unary_backward(const Step& step, const Context& context, const Rect& rect) {
    const T c = static_cast<T>(step.constant);
    View<T> d_z = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> saved = step.operands[2].present() ? view<T>(context, step.operands[2]) : delta;
    // δ has one value per row only if batch_mean broadcasts it over the batch. It uses the rule of scale, which saves
    // nothing.
    constexpr bool spreads = Rule::saves == Saves::nothing;
    zip<OperandCases<spreads, spreads, true>>(
        step, rect, d_z, delta, saved, [c](T d, T s) CHAINRULE_INLINED { return Rule::backward(d, s, c); });
  }

  static void binary_forward(const Step& step, const Context& context, const Rect& rect) {
    View<T> c = view<T>(context, step.operands[0]);
    View<T> a = view<T>(context, step.operands[1]), b = view<T>(context, step.operands[2]);
    zip<OperandCases<true, true, false>>(step, rect, c, a, b,
                                         [](T x, T y) CHAINRULE_INLINED { return Rule::forward(x, y); });
  }

  static void binary_backward(const Step& step, const Context& context, const Rect& rect) {
    View<T> d = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> other = step.operands[2].present() ? view<T>(context, step.operands[2]) : delta;
    if (step.side == 0) {
      zip<OperandCases<false, true, true>>(step, rect, d, delta, other,
                                           [](T g, T o) CHAINRULE_INLINED { return Rule::backward_a(g, o); });
    } else {
      zip<OperandCases<false, true, true>>(step, rect, d, delta, other,
                                           [](T g, T o) CHAINRULE_INLINED { return Rule::backward_b(g, o); });
    }
  }

  static void reduction_backward(const Step& step, const Context& context, const Rect& rect) {
    const T n = static_cast<T>(step.count);
    View<T> d_x = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> x = step.operands[2].present() ? view<T>(context, step.operands[2]) : delta;
    zip<OperandCases<true, true, true>>(step, rect, d_x, delta, x,
                                        [n](T d, T v) CHAINRULE_INLINED { return Rule::backward(d, v, n); });
  }
};

template <class T>
struct OtherElementwise {
  static void log_sum_exp_backward(const Step& step, const Context& context, const Rect& rect) {
    View<T> d_z = view<T>(context, step.operands[0]), delta = view<T>(context, step.operands[1]);
    View<T> z = view<T>(context, step.operands[2]), saved = view<T>(context, step.operands[3]);
    const T *max = saved.row(0), *inverse = saved.row(1);
    for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
      T* out = d_z.row(r);
      const T *d = delta.row(r), *x = z.row(r);
      CHAINRULE_VECTORIZE
      for (int64_t i = rect.column_begin; i < rect.column_end; ++i) {
        const int64_t sample = saved.spread ? 0 : i;
        store(out[i], LogSumExp::backward(d[delta.spread ? 0 : i], x[i], max[sample], inverse[sample]),
              step.accumulate);
      }
    }
  }

  static void fill(const Step& step, const Context& context, const Rect& rect) {
    View<T> d = view<T>(context, step.operands[0]);
    const T value = static_cast<T>(step.constant);
    zip<OperandCases<true, true, true>>(step, rect, d, View<T>{const_cast<T*>(&value), 0, true},
                                        View<T>{const_cast<T*>(&value), 0, true},
                                        [](T v, T) CHAINRULE_INLINED { return v; });
  }
};

template <class T>
Kernel find(const Step& step) {
  Kernel none = nullptr;
  switch (step.kind) {
    case StepKind::unary_forward:
      return visit_unary(step.op, none, [](auto rule) {
        using Rule = decltype(rule);
        if constexpr (is_random<Rule>(0)) {
          return Kernel(Elementwise<T, Rule>::random_forward);
        } else {
          return Kernel(Elementwise<T, Rule>::unary_forward);
        }
      });
    case StepKind::unary_backward:
      return visit_unary(step.op, none, [](auto rule) {
        using Rule = decltype(rule);
        if constexpr (is_random<Rule>(0)) {
          return Kernel(Elementwise<T, Rule>::random_backward);
        } else {
          return Kernel(Elementwise<T, Rule>::unary_backward);
        }
      });
    case StepKind::binary_forward:
      return visit_binary(step.op, none,
                          [](auto rule) { return Kernel(Elementwise<T, decltype(rule)>::binary_forward); });
    case StepKind::binary_backward:
      return visit_binary(step.op, none,
                          [](auto rule) { return Kernel(Elementwise<T, decltype(rule)>::binary_backward); });
    case StepKind::reduction_backward:
      return visit_reduction(step.op, none, [](auto rule) {
        return Kernel(Elementwise<T, decltype(rule)>::reduction_backward);
      });
    case StepKind::log_sum_exp_backward: return OtherElementwise<T>::log_sum_exp_backward;
    case StepKind::fill: return OtherElementwise<T>::fill;
    default: return none;
  }
}

}  // namespace

Kernel find_elementwise(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
