// Kernels of the losses. A block computes value and derivatives of its columns and writes the sum of its columns'
// values as one partial sum, in double.
#pragma once

#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/long_sum.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"

namespace chainrule {
namespace cuda {

static_assert(Lanes::columns == loss_block, "each block computes one partial sum");

// The operands of a loss step.
template <class T>
struct LossOperands {
  double* partials;
  View<T> f, y, d_f, d_y;
  const int32_t* labels;  // class indices instead of y; null: there are none
  const T* delta;         // δ of the loss; null: `factor` contains it
  T constant, factor;
  int64_t rows, columns;
  bool accumulate_f, accumulate_y;

  // Returns a target value, or an element of the one-hot vector of a label.
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

// Adds the values of a block's columns, in the last phases of a loss kernel.
template <class BlockLanes>
struct ColumnValues {
  double columns[BlockLanes::columns];

  // One thread per lane adds every BlockLanes::lanes-th column. After a barrier, total() adds these sums. `count` is
  // the number of columns from the block's first one to the end of the batch. It is less than BlockLanes::columns only
  // in the last block.
  DEVICE void fold_columns(int32_t thread, int64_t count) {
    if (thread >= BlockLanes::lanes) return;
    double sum = 0;
    for (int32_t i = thread; i < BlockLanes::columns && i < count; i += BlockLanes::lanes) sum += columns[i];
    columns[thread] = sum;
  }
  DEVICE double total(int64_t count) const {
    double sum = 0;
    for (int32_t i = 0; i < BlockLanes::lanes && i < count; ++i) sum += columns[i];
    return sum;
  }
};

template <class BlockLanes>
struct LossSums {
  double sums[BlockLanes::lanes][BlockLanes::columns];
  ColumnValues<BlockLanes> values;
};

// A loss whose value is a sum over elements.
template <class T, class Rule, class BlockLanes = Lanes>
struct ElementwiseLoss {
  static constexpr int threads = BlockLanes::threads, phases = 4;
  using Shared = LossSums<BlockLanes>;
  using Local = None;

  LossOperands<T> operands;
  int64_t columns;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const BlockLanes own(at);
    const int64_t left = columns - at.block * BlockLanes::columns;
    if constexpr (phase == 0) {
      if (own.column < columns) shared.sums[own.lane][own.place] = pass(own);
    } else if (operands.partials == nullptr) {
      return;
    } else if constexpr (phase == 1) {
      if (own.column < columns && own.lane == 0) shared.values.columns[own.place] = own.add(shared.sums);
    } else if constexpr (phase == 2) {
      shared.values.fold_columns(at.thread, left);
    } else if (at.thread == 0) {
      operands.partials[at.block] = shared.values.total(left);
    }
  }

  DEVICE double pass(const BlockLanes& own) const {
    const int64_t c = own.column;
    const T scale = operands.scale();
    SumInDouble<T> sum;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = own.lane; r < operands.rows; r += BlockLanes::lanes) {
      const T f = *operands.f.at(r, c), y = operands.target(r, c);
      if (operands.partials != nullptr) sum.add(static_cast<double>(Rule::forward(f, y, operands.constant)));
      if (operands.d_f.data != nullptr)
        operands.add_to_d_f(r, c, Rule::d_prediction(scale, f, y, operands.constant));
      if (operands.d_y.data != nullptr)
        operands.add_to_d_y(r, c, Rule::d_target(scale, f, y, operands.constant));
    }
    return sum.value();
  }
};

// softmax_cross_entropy: the maximum of the logits, then the sums, then the derivatives and the value.
template <class T, class BlockLanes = Lanes>
struct CrossEntropy {
  static constexpr int threads = BlockLanes::threads, phases = 5;
  struct Shared {
    T maxima[BlockLanes::lanes][BlockLanes::columns];
    T sums[BlockLanes::lanes][BlockLanes::columns];    // of the numerators that are below the maximum
    T counts[BlockLanes::lanes][BlockLanes::columns];  // of the logits that are the maximum
    T sums_of_targets[BlockLanes::lanes][BlockLanes::columns];
    T dots[BlockLanes::lanes][BlockLanes::columns];
    ColumnValues<BlockLanes> values;
  };
  using Local = None;

  LossOperands<T> operands;
  int64_t columns;

  // Returns true if d_logits stores the numerators between the passes. It cannot if the kernel adds to its contents.
  DEVICE bool keeps() const { return operands.d_f.data != nullptr && !operands.accumulate_f; }

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const BlockLanes own(at);
    const bool inside = own.column < columns;
    const int64_t left = columns - at.block * BlockLanes::columns;
    if constexpr (phase == 0) {
      if (inside) shared.maxima[own.lane][own.place] = own.max(operands.f, operands.rows);
    } else if constexpr (phase == 1) {
      if (inside) sum(own, shared);
    } else if constexpr (phase == 2) {
      if (inside) derive(own, shared);
    } else if (operands.partials == nullptr) {
      return;
    } else if constexpr (phase == 3) {
      shared.values.fold_columns(at.thread, left);
    } else if (at.thread == 0) {
      operands.partials[at.block] = shared.values.total(left);
    }
  }

  DEVICE void sum(const BlockLanes& own, Shared& shared) const {
    const int64_t c = own.column;
    const T max = own.max(shared.maxima);
    LongSum<T> sum, count, sum_of_targets, dot;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = own.lane; r < operands.rows; r += BlockLanes::lanes) {
      const T z = *operands.f.at(r, c), y = operands.target(r, c);
      const T numerator = Softmax::numerator(z, max);
      if (keeps()) *operands.d_f.at(r, c) = numerator;
      sum.add(Softmax::below_max(z, max, numerator));
      count.add(Softmax::is_max(z, max));
      sum_of_targets.add(y);
      dot.add(y == 0 ? T(0) : y * Softmax::difference(z, max));
    }
    shared.sums[own.lane][own.place] = sum.value();
    shared.counts[own.lane][own.place] = count.value();
    shared.sums_of_targets[own.lane][own.place] = sum_of_targets.value();
    shared.dots[own.lane][own.place] = dot.value();
  }

  DEVICE void derive(const BlockLanes& own, Shared& shared) const {
    using Rule = SoftmaxCrossEntropy;
    const int64_t c = own.column;
    const T max = own.max(shared.maxima);
    const auto sample = Rule::Sample<T>::of(Softmax::others(own.add(shared.sums), own.add(shared.counts)));
    const T sum_of_targets = own.add(shared.sums_of_targets), scale = operands.scale();
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = own.lane; r < operands.rows; r += BlockLanes::lanes) {
      if (operands.d_f.data != nullptr) {
        const T numerator = keeps() ? *operands.d_f.at(r, c) : Softmax::numerator(*operands.f.at(r, c), max);
        operands.add_to_d_f(
            r, c,
            Rule::d_logits(scale, Softmax::forward(numerator, sample.sum), operands.target(r, c),
                           sum_of_targets, sample.largest, sample.rest));
      }
      if (operands.d_y.data != nullptr)
        operands.add_to_d_y(
            r, c, Rule::d_target(scale, Softmax::difference(*operands.f.at(r, c), max), sample.log_sum));
    }
    if (own.lane == 0) {
      shared.values.columns[own.place] =
          static_cast<double>(Rule::forward(sample.log_sum, sum_of_targets, own.add(shared.dots)));
    }
  }
};

}  // namespace cuda
}  // namespace chainrule
