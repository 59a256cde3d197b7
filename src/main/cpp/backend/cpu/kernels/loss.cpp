// Losses: the value and the derivatives, in one pass over a tile. Each block of columns has its own partial sum, in
// double. loss_value adds the partial sums in order.
#include "backend/cpu/kernels/kernels.h"
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
      double sum[loss_block] = {};
      for (int64_t r = rect.row_begin; r < rect.row_end; ++r) {
        const T* f = on.f.row(r);
        if (on.partials != nullptr) {
          for (int64_t i = 0; i < width; ++i) {
            sum[i] += static_cast<double>(Rule::forward(f[begin + i], on.y.at(r, begin + i), c));
          }
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
      if (on.partials != nullptr) on.partials[begin / loss_block] = sum_block(sum);
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
    T max[loss_block], sum[loss_block] = {}, sum_target[loss_block] = {}, dot[loss_block] = {};
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
        numerators[i] = Softmax::numerator(z[i], max[i]);
        sum[i] += numerators[i];
        sum_target[i] += y;
        dot[i] += y == 0 ? T(0) : y * (z[i] - max[i]);
      }
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
                               sum_target[i]),
                step.accumulate);
        }
      }
      if (on.d_y.data != nullptr) {
        T* d = on.d_y.row(r) + begin;
        CHAINRULE_VECTORIZE
        for (int64_t i = 0; i < width; ++i) {
          store(d[i], Rule::d_target(on.factor, z[i] - max[i], sum[i]), step.accumulate2);
        }
      }
    }
    if (on.partials == nullptr) return 0;
    double values[loss_block] = {};
    CHAINRULE_VECTORIZE
    for (int64_t i = 0; i < width; ++i) {
      values[i] = static_cast<double>(Rule::forward(sum[i], sum_target[i], dot[i]));
    }
    return sum_block(values);
  }
};

template <class T>
void loss_value(const Step& step, const Context& context, const Rect&) {
  const double* partials = view<double>(context, step.operands[1]).data;
  double total = 0;
  for (int64_t i = 0; i < step.count; ++i) total += partials[i];
  *view<T>(context, step.operands[0]).data = static_cast<T>(step.constant * total);
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
