// Losses: value and derivatives in one pass over the columns of a block, whose sum goes to its own place among the partial
// sums, in double.
#pragma once

#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"

namespace chainrule {
namespace cuda {

static_assert(Lanes::columns == loss_block, "a block's sum is one partial sum");

// The operands of a loss step.
template <class T>
struct LossOperands {
  double* partials;
  View<T> f, y, d_f, d_y;
  const int32_t* labels;  // in place of y; null: there are none
  const T* delta;         // null: it is in `factor`
  T constant, factor;
  int64_t rows, columns;
  bool accumulate_f, accumulate_y;

  // A target value, or an element of the one-hot row made from a class index.
  DEVICE T target(int64_t r, int64_t c) const {
    if (labels != nullptr) return labels[c] == static_cast<int32_t>(r) ? T(1) : T(0);
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

// The sums of the columns' values become one: in the last phases of a loss kernel.
template <class By>
struct ColumnValues {
  double columns[By::columns];

  // A thread a lane adds every so manyth column, then one adds these: `count` columns, fewer in the last block.
  DEVICE void fold_columns(int32_t thread, int64_t count) {
    if (thread >= By::lanes) return;
    double sum = 0;
    for (int32_t i = thread; i < By::columns && i < count; i += By::lanes) sum += columns[i];
    columns[thread] = sum;
  }
  DEVICE double total(int64_t count) const {
    double sum = 0;
    for (int32_t i = 0; i < By::lanes && i < count; ++i) sum += columns[i];
    return sum;
  }
};

template <class By>
struct LossSums {
  double sums[By::lanes][By::columns];
  ColumnValues<By> values;
};

template <class T, class Rule, class By = Lanes>
struct ElementwiseLoss {
  static constexpr int threads = By::threads, phases = 4;
  using Shared = LossSums<By>;
  using Local = None;

  LossOperands<T> on;
  int64_t columns;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const By by(at);
    const int64_t left = columns - at.block * By::columns;
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

  DEVICE double pass(const By& by) const {
    const int64_t c = by.column;
    const T scale = on.scale();
    double sum = 0;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += By::lanes) {
      const T f = *on.f.at(r, c), y = on.target(r, c);
      if (on.partials != nullptr) sum += static_cast<double>(Rule::forward(f, y, on.constant));
      if (on.d_f.data != nullptr) on.add_to_d_f(r, c, Rule::d_prediction(scale, f, y, on.constant));
      if (on.d_y.data != nullptr) on.add_to_d_y(r, c, Rule::d_target(scale, f, y, on.constant));
    }
    return sum;
  }
};

template <class T, class By = Lanes>
struct CrossEntropy {
  static constexpr int threads = By::threads, phases = 5;
  struct Shared {
    T maxima[By::lanes][By::columns];
    T sums[By::lanes][By::columns];
    T sums_of_targets[By::lanes][By::columns];
    T dots[By::lanes][By::columns];
    ColumnValues<By> values;
  };
  using Local = None;

  LossOperands<T> on;
  int64_t columns;

  // d_logits keeps the numerators between the passes, where nothing is in it yet.
  DEVICE bool keeps() const { return on.d_f.data != nullptr && !on.accumulate_f; }

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const By by(at);
    const bool inside = by.column < columns;
    const int64_t left = columns - at.block * By::columns;
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

  DEVICE void sum(const By& by, Shared& shared) const {
    const int64_t c = by.column;
    const T max = by.max(shared.maxima);
    T sum = 0, sum_of_targets = 0, dot = 0;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += By::lanes) {
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

  DEVICE void derive(const By& by, Shared& shared) const {
    using Rule = SoftmaxCrossEntropy;
    const int64_t c = by.column;
    const T max = by.max(shared.maxima), sum = by.add(shared.sums);
    const T sum_of_targets = by.add(shared.sums_of_targets), scale = on.scale();
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = by.lane; r < on.rows; r += By::lanes) {
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

}  // namespace cuda
}  // namespace chainrule
