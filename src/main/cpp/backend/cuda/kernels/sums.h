// Sums by the threads of a block together, each in one order.
#pragma once

#include "backend/cuda/kernels/kernels.h"

namespace chainrule {
namespace cuda {

// The sum of what `count` threads have, in two steps with a barrier between them: 16 of them add a strided part each, then
// one adds these.
constexpr int32_t fold_width = 16;

DEVICE void fold(double* sums, int32_t count, int32_t thread) {
  if (thread >= fold_width) return;
  double sum = sums[thread];
  for (int32_t i = thread + fold_width; i < count; i += fold_width) sum += sums[i];
  sums[thread] = sum;
}

DEVICE double folded(const double* sums, int32_t count) {
  double sum = 0;
  for (int32_t i = 0; i < fold_width && i < count; ++i) sum += sums[i];
  return sum;
}

// A block that works down the columns: neighbouring ones, as many as a loss adds up at a time, and a few lanes that share
// each column's rows: of eight, lane l has rows l, l + 8, ...
template <int32_t count>
struct LanesOf {
  static constexpr int32_t columns = static_cast<int32_t>(loss_block), lanes = count,
                           threads = columns * lanes;

  int64_t column;
  int32_t place, lane;  // within the block

  DEVICE explicit LanesOf(Thread at)
      : column(at.block * columns + at.thread % columns),
        place(at.thread % columns),
        lane(at.thread / columns) {}

  template <class T>
  DEVICE T add(const T (&parts)[lanes][columns]) const {
    T sum = parts[0][place];
    CHAINRULE_UNROLL
    for (int32_t l = 1; l < lanes; ++l) sum += parts[l][place];
    return sum;
  }

  // The largest of the lane's own rows, and of all lanes.
  template <class T>
  DEVICE T max(const View<T>& z, int64_t rows) const {
    T max = -math::format<T>::infinity;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = lane; r < rows; r += lanes) max = max_or_nan(max, *z.at(r, column));
    return max;
  }
  template <class T>
  DEVICE T max(const T (&parts)[lanes][columns]) const {
    T max = parts[0][place];
    CHAINRULE_UNROLL
    for (int32_t l = 1; l < lanes; ++l) max = max_or_nan(max, parts[l][place]);
    return max;
  }
};

using Lanes = LanesOf<8>;

template <class Kernel>
void launch_columns(const Run& run, const Kernel& kernel) {
  launch(run.queue, ceil_div(kernel.columns, Lanes::columns), kernel);
}

}  // namespace cuda
}  // namespace chainrule
