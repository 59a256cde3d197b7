// Losses: the value and the derivatives, in one pass over a tile. Each block of columns has its own partial sum, in
// double. loss_value adds the partial sums in order.
#include "backend/cpu/kernels/kernels.h"
#include "backend/cpu/kernels/sums.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

namespace {

// Target values, or one-hot values computed from class indices.
template <class T, bool Labels>
struct Targets {
  View<T> values;
  const int32_t* labels;

  Targets(const Context& context, const Operand& operand)
      : values(view<T>(context, operand)), labels(reinterpret_cast<const int32_t*>(values.data)) {}

  inline T at(int64_t r, int64_t c) const {
    if constexpr (Labels) return labels[c] == static_cast<int32_t>(r) ? T(1) : T(0);
    return values.data[r * values.row_stride + c];
  }
};

// Returns the sum of the elements. They are added in pairs, so that the compiler can use vectors.
CHAINRULE_INLINE double sum_block(double (&sum)[loss_block]) {
  for (int64_t width = loss_block / 2; width > 0; width /= 2) {
    for (int64_t i = 0; i < width; ++i) sum[i] += sum[i + width];
  }
  return sum[0];
}

template <class T, bool Labels>
struct Loss {
  // The operands of a loss step.
  struct Operands {
    double* partials;
    View<T> f;
    Targets<T, Labels> y;
    View<T> d_f, d_y;
    T factor;  // of the derivatives

    Operands(const Step& step, const Context& context)
        : partials(view<double>(context, step.operands[0]).data),
          f(view<T>(context, step.operands[1])),
          y(context, step.operands[2]),
          d_f(view<T>(context, step.operands[3])),
          d_y(view<T>(context, step.operands[4])) {
      const T* delta = view<T>(context, step.operands[5]).data;
      factor = static_cast<T>(step.constant2) * (delta == nullptr ? T(1) : *delta);
    }
  };

  template <class Rule>
  static void elementwise(const Step& step, const Context& context, const Rect& rect) {
    const Operands on(step, context);
    const T c = static_cast<T>(step.constant);
    for (int64_t begin = rect.column_begin; begin < rect.column_end; begin += loss_block) {
      int64_t left = rect.column_end - begin, width = left < loss_block ? left : loss_block;
      ColumnSums<T, double, loss_block> sums;
      for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
        const T* f = on.f.row(r);
        if (on.partials != nullptr) {
          for (int64_t i = 0; i < width; ++i) {
            sums.part[i] += static_cast<double>(Rule::forward(f[begin + i], on.y.at(r, begin + i), c));
          }
          sums.end_row(r - rect.row_begin, width);
        }
        if (on.d_f.data != nullptr) {
          T* d = on.d_f.row(r);
          CHAINRULE_VECTORIZE
          for (int64_t i = begin; i < begin + width; ++i) {
            store(d[i], Rule::d_prediction(on.factor, f[i], on.y.at(r, i), c), step.accumulate);
          }
        }
        if (on.d_y.data != nullptr) {
          T* d = on.d_y.row(r);
          CHAINRULE_VECTORIZE
          for (int64_t i = begin; i < begin + width; ++i) {
            store(d[i], Rule::d_target(on.factor, f[i], on.y.at(r, i), c), step.accumulate2);
          }
        }
      }
      sums.finish(width);
      if (on.partials != nullptr) on.partials[begin / loss_block] = sum_block(sums.part);
    }
  }

  static void softmax_cross_entropy(const Step& step, const Context& context, const Rect& rect) {
    const Operands on(step, context);
    for (int64_t begin = rect.column_begin; begin < rect.column_end; begin += loss_block) {
      int64_t left = rect.column_end - begin, width = left < loss_block ? left : loss_block;
      double total = cross_entropy_block(on, step, begin, width);
      if (on.partials != nullptr) on.partials[begin / loss_block] = total;
    }
  }

  static double cross_entropy_block(const Operands& on, const Step& step, int64_t begin, int64_t width) {
    using Rule = SoftmaxCrossEntropy;
    T max[loss_block];
    ColumnSums<T, T, loss_block> below_max, maxima, targets, dots;
    for (int64_t i = 0; i < width; ++i) max[i] = on.f.data[begin + i];
    for (int64_t r = 1; r < step.rows; ++r) {
      const T* z = on.f.row(r) + begin;
      for (int64_t i = 0; i < width; ++i) max[i] = max[i] < z[i] || z[i] != z[i] ? z[i] : max[i];
    }
    // The memory of d_logits stores the numerators between the two passes, unless this step adds to values in it.
    const bool keeps = on.d_f.data != nullptr && !step.accumulate;
    T spare[loss_block];
    for (int64_t r = 0; r < step.rows; ++r) {
      const T* z = on.f.row(r) + begin;
      T* numerators = keeps ? on.d_f.row(r) + begin : spare;
      CHAINRULE_VECTORIZE
      for (int64_t i = 0; i < width; ++i) {
        T y = on.y.at(r, begin + i);
        const T numerator = Softmax::numerator(z[i], max[i]);
        numerators[i] = numerator;
        below_max.part[i] += Softmax::below_max(z[i], max[i], numerator);
        maxima.part[i] += Softmax::is_max(z[i], max[i]);
        targets.part[i] += y;
        dots.part[i] += math::select(y == 0, T(0), y * Softmax::difference(z[i], max[i]));
      }
      below_max.end_row(r, width);
      maxima.end_row(r, width);
      targets.end_row(r, width);
      dots.end_row(r, width);
    }
    below_max.finish(width);
    maxima.finish(width);
    targets.finish(width);
    dots.finish(width);
    T sum[loss_block], largest[loss_block], rest[loss_block], log_sum[loss_block];
    CHAINRULE_VECTORIZE
    for (int64_t i = 0; i < width; ++i) {
      const auto sample = Rule::Sample<T>::of(Softmax::others(below_max.part[i], maxima.part[i]));
      sum[i] = sample.sum;
      largest[i] = sample.largest;
      rest[i] = sample.rest;
      log_sum[i] = sample.log_sum;
    }
    for (int64_t r = 0; r < step.rows; ++r) {
      const T* z = on.f.row(r) + begin;
      if (on.d_f.data != nullptr) {
        T* d = on.d_f.row(r) + begin;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          T numerator = keeps ? d[i] : Softmax::numerator(z[i], max[i]);
          store(d[i],
                Rule::d_logits(on.factor, Softmax::forward(numerator, sum[i]), on.y.at(r, begin + i),
                               targets.part[i], largest[i], rest[i]),
                step.accumulate);
        }
      }
      if (on.d_y.data != nullptr) {
        T* d = on.d_y.row(r) + begin;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          store(d[i], Rule::d_target(on.factor, Softmax::difference(z[i], max[i]), log_sum[i]),
                step.accumulate2);
        }
      }
    }
    if (on.partials == nullptr) return 0;
    double values[loss_block] = {};
    CHAINRULE_VECTORIZE
    for (int64_t i = 0; i < width; ++i) {
      values[i] = static_cast<double>(Rule::forward(log_sum[i], targets.part[i], dots.part[i]));
    }
    return sum_block(values);
  }
};

template <class T>
void loss_value(const Step& step, const Context& context, const Rect&) {
  const double* partials = view<double>(context, step.operands[1]).data;
  double total = 0, error = 0;
  for (int64_t i = 0; i < step.count; ++i) add_with_error(total, error, partials[i]);
  *view<T>(context, step.operands[0]).data = static_cast<T>(step.constant * with_error(total, error));
}

template <class T, bool Labels>
Kernel find(const Step& step) {
  if (step.kind == StepKind::loss_value) return loss_value<T>;
  if (step.kind != StepKind::loss) return nullptr;
  if (step.op == Op::softmax_cross_entropy) return Loss<T, Labels>::softmax_cross_entropy;
  return visit_loss(step.op, Kernel(nullptr),
                    [](auto rule) { return Kernel(Loss<T, Labels>::template elementwise<decltype(rule)>); });
}

}  // namespace

Kernel find_loss(const Step& step, DType dtype) {
  if (dtype == DType::float32) return step.labels ? find<float, true>(step) : find<float, false>(step);
  return step.labels ? find<double, true>(step) : find<double, false>(step);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
