// Losses: value and derivatives in one pass over the columns. The sum of each block of columns goes to its own place
// among the partial sums, in double; loss_value adds them up.
#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"

namespace chainrule {
namespace cuda {

namespace {

static_assert(Lanes::columns == loss_block, "a block's sum is one partial sum");

// The operands of a loss step.
template <class T, bool has_labels>
struct LossOperands {
  double* partials;
  View<T> f, y, d_f, d_y;
  const int32_t* labels;
  const T* delta;
  T constant, factor;
  int64_t rows, columns;
  bool accumulate_f, accumulate_y;

  LossOperands(const Launch& launch, const Run& run)
      : partials(view<double>(run, launch.step.operands[0]).data),
        f(view<T>(run, launch.step.operands[1])),
        y(view<T>(run, launch.step.operands[2])),
        d_f(view<T>(run, launch.step.operands[3])),
        d_y(view<T>(run, launch.step.operands[4])),
        labels(reinterpret_cast<const int32_t*>(y.data)),
        delta(view<T>(run, launch.step.operands[5]).data),
        constant(static_cast<T>(launch.step.constant)),
        factor(static_cast<T>(launch.step.constant2)),
        rows(launch.step.rows),
        columns(launch.step.columns),
        accumulate_f(launch.step.accumulate),
        accumulate_y(launch.step.accumulate2) {}

  // A target value, or an element of the one-hot row made from a class index.
  DEVICE T target(int64_t r, int64_t c) const {
    if constexpr (has_labels) return labels[c] == static_cast<int32_t>(r) ? T(1) : T(0);
    return *y.at(r, c);
  }
  DEVICE T scale() const { return factor * (delta == nullptr ? T(1) : *delta); }
  DEVICE void add_to_d_f(int64_t r, int64_t c, T value) const {
    T* place = d_f.at(r, c);
    *place = accumulate_f ? *place + value : value;
  }
  DEVICE void add_to_d_y(int64_t r, int64_t c, T value) const {
    T* place = d_y.at(r, c);
    *place = accumulate_y ? *place + value : value;
  }
};

// The sums of the columns' values become one: in three phases, the last of a loss kernel.
struct ColumnValues {
  double columns[Lanes::columns];

  // Eight threads add eight columns each, then one adds these: 64 are `count` or fewer in the last block.
  DEVICE void fold_columns(int32_t thread, int64_t count) {
    if (thread >= Lanes::lanes) return;
    double sum = 0;
    for (int32_t i = thread; i < Lanes::columns && i < count; i += Lanes::lanes) sum += columns[i];
    columns[thread] = sum;
  }
  DEVICE double total(int64_t count) const {
    double sum = 0;
    for (int32_t i = 0; i < Lanes::lanes && i < count; ++i) sum += columns[i];
    return sum;
  }
};

template <class T, bool has_labels, class Rule>
struct ElementwiseLoss {
  static constexpr int threads = Lanes::threads, phases = 4;
  struct Shared {
    double sums[Lanes::lanes][Lanes::columns];
    ColumnValues values;
  };
  using Local = None;

  LossOperands<T, has_labels> on;
  int64_t columns;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes by(at);
    const int64_t left = columns - at.block * Lanes::columns;
    if constexpr (phase == 0) {
      if (by.column < columns) shared.sums[by.lane][by.place] = pass(by);
    } else if (on.partials == nullptr) {
      return;
    } else if constexpr (phase == 1) {
      if (by.column < columns && by.lane == 0) shared.values.columns[by.place] = by.add(shared.sums);
    } else if constexpr (phase == 2) {
      shared.values.fold_columns(at.thread, left);
    } else if (at.thread == 0) {
      on.partials[at.block] = shared.values.total(left);
    }
  }

  DEVICE double pass(const Lanes& by) const {
    const int64_t c = by.column;
    const T scale = on.scale();
    double sum = 0;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += Lanes::lanes) {
      const T f = *on.f.at(r, c), y = on.target(r, c);
      if (on.partials != nullptr) sum += static_cast<double>(Rule::forward(f, y, on.constant));
      if (on.d_f.data != nullptr) on.add_to_d_f(r, c, Rule::d_prediction(scale, f, y, on.constant));
      if (on.d_y.data != nullptr) on.add_to_d_y(r, c, Rule::d_target(scale, f, y, on.constant));
    }
    return sum;
  }
};

template <class T, bool has_labels>
struct CrossEntropy {
  static constexpr int threads = Lanes::threads, phases = 5;
  struct Shared {
    T maxima[Lanes::lanes][Lanes::columns];
    T sums[Lanes::lanes][Lanes::columns];
    T sums_of_targets[Lanes::lanes][Lanes::columns];
    T dots[Lanes::lanes][Lanes::columns];
    ColumnValues values;
  };
  using Local = None;

  LossOperands<T, has_labels> on;
  int64_t columns;

  // d_logits keeps the numerators between the passes, where nothing is in it yet.
  DEVICE bool keeps() const { return on.d_f.data != nullptr && !on.accumulate_f; }

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes by(at);
    const bool inside = by.column < columns;
    const int64_t left = columns - at.block * Lanes::columns;
    if constexpr (phase == 0) {
      if (inside) shared.maxima[by.lane][by.place] = by.max(on.f, on.rows);
    } else if constexpr (phase == 1) {
      if (inside) sum(by, shared);
    } else if constexpr (phase == 2) {
      if (inside) derive(by, shared);
    } else if (on.partials == nullptr) {
      return;
    } else if constexpr (phase == 3) {
      shared.values.fold_columns(at.thread, left);
    } else if (at.thread == 0) {
      on.partials[at.block] = shared.values.total(left);
    }
  }

  DEVICE void sum(const Lanes& by, Shared& shared) const {
    const int64_t c = by.column;
    const T max = by.max(shared.maxima);
    T sum = 0, sum_of_targets = 0, dot = 0;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += Lanes::lanes) {
      const T shifted = *on.f.at(r, c) - max, y = on.target(r, c);
      const T numerator = Softmax::numerator(*on.f.at(r, c), max);
      if (keeps()) *on.d_f.at(r, c) = numerator;
      sum += numerator;
      sum_of_targets += y;
      dot += y == 0 ? T(0) : y * shifted;
    }
    shared.sums[by.lane][by.place] = sum;
    shared.sums_of_targets[by.lane][by.place] = sum_of_targets;
    shared.dots[by.lane][by.place] = dot;
  }

  DEVICE void derive(const Lanes& by, Shared& shared) const {
    using Rule = SoftmaxCrossEntropy;
    const int64_t c = by.column;
    const T max = by.max(shared.maxima), sum = by.add(shared.sums);
    const T sum_of_targets = by.add(shared.sums_of_targets), scale = on.scale();
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += Lanes::lanes) {
      if (on.d_f.data != nullptr) {
        const T numerator = keeps() ? *on.d_f.at(r, c) : Softmax::numerator(*on.f.at(r, c), max);
        on.add_to_d_f(
            r, c, Rule::d_logits(scale, Softmax::forward(numerator, sum), on.target(r, c), sum_of_targets));
      }
      if (on.d_y.data != nullptr) on.add_to_d_y(r, c, Rule::d_target(scale, *on.f.at(r, c) - max, sum));
    }
    if (by.lane == 0) {
      shared.values.columns[by.place] =
          static_cast<double>(Rule::forward(sum, sum_of_targets, by.add(shared.dots)));
    }
  }
};

// s = constant * Σ partials, by one block.
template <class T>
struct LossValue {
  static constexpr int threads = 256, phases = 3;
  struct Shared {
    double sums[threads];
  };
  using Local = None;

  T* s;
  const double* partials;
  int64_t count;
  double constant;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    if constexpr (phase == 0) {
      double sum = 0;
      for (int64_t i = at.thread; i < count; i += threads) sum += partials[i];
      shared.sums[at.thread] = sum;
    } else if constexpr (phase == 1) {
      fold<threads>(shared.sums, at.thread);
    } else if (at.thread == 0) {
      *s = static_cast<T>(constant * folded<threads>(shared.sums));
    }
  }
};

template <class T, bool has_labels>
struct Losses {
  template <class Rule>
  static void elementwise(const Launch& launch, const Run& run) {
    launch_columns(run, ElementwiseLoss<T, has_labels, Rule>{{launch, run}, launch.step.columns});
  }

  static void cross_entropy(const Launch& launch, const Run& run) {
    launch_columns(run, CrossEntropy<T, has_labels>{{launch, run}, launch.step.columns});
  }

  static void value(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    cuda::launch(run.queue, 1,
                 LossValue<T>{view<T>(run, step.operands[0]).data, view<double>(run, step.operands[1]).data,
                              step.count, step.constant});
  }

  static Launcher find(const Step& step) {
    if (step.kind == StepKind::loss_value) return value;
    if (step.kind != StepKind::loss) return nullptr;
    if (step.op == Op::softmax_cross_entropy) return cross_entropy;
    return visit_loss(step.op, Launcher(nullptr),
                      [](auto rule) { return Launcher(elementwise<decltype(rule)>); });
  }
};

template <class T>
Launcher find(const Step& step) {
  return step.labels ? Losses<T, true>::find(step) : Losses<T, false>::find(step);
}

}  // namespace

Launcher find_loss(const Step& step, DType dtype) {
  return dtype == DType::float32 ? find<float>(step) : find<double>(step);
}

}  // namespace cuda
}  // namespace chainrule
