// Sums that the threads of a block compute together. The order of each sum is fixed.
//
// In the kernels, a lane is one of the threads that share a column or a row. (A lane of a CUDA graph is something
// else.)
#pragma once

#include "backend/cuda/kernels/kernels.h"

namespace chainrule {
namespace cuda {

// fold() and folded() add the `count` numbers in `sums`, one per thread. There must be a barrier between them. In
// fold(), 16 threads each add every 16th number. folded() adds these 16 sums.
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

// The position of a thread in a block that computes along columns. A block has `columns` adjacent columns, as many as a
// loss sums at a time. The rows of each column are divided among `count` lanes. Of eight lanes, lane 0 has rows 0, 8,
// 16, ...
template <int32_t count>
struct LanesOf {
  static constexpr int32_t columns = static_cast<int32_t>(loss_block), lanes = count,
                           threads = columns * lanes;

  int64_t column;
  int32_t place, lane;  // within the block: the column and the lane

  DEVICE explicit LanesOf(Thread at)
      : column(at.block * columns + at.thread % columns),
        place(at.thread % columns),
        lane(at.thread / columns) {}

  // Returns the sum of the lanes' parts of the thread's column.
  template <class T>
  DEVICE T add(const T (&parts)[lanes][columns]) const {
    T sum = parts[0][place];
    CHAINRULE_UNROLL
    for (int32_t l = 1; l < lanes; ++l) sum += parts[l][place];
    return sum;
  }

  // Returns the maximum of the lane's own rows of the column.
  template <class T>
  DEVICE T max(const View<T>& z, int64_t rows) const {
    T max = -math::format<T>::infinity;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = lane; r < rows; r += lanes) max = max_or_nan(max, *z.at(r, column));
    return max;
  }
  // Returns the maximum of the lanes' parts of the column.
  template <class T>
  DEVICE T max(const T (&parts)[lanes][columns]) const {
    T max = parts[0][place];
    CHAINRULE_UNROLL
    for (int32_t l = 1; l < lanes; ++l) max = max_or_nan(max, parts[l][place]);
    return max;
  }
};

using Lanes = LanesOf<8>;

// Launches a kernel that computes along columns with Lanes.
template <class Kernel>
void launch_columns(const Run& run, const Kernel& kernel) {
  launch(run.queue, ceil_div(kernel.columns, Lanes::columns), kernel);
}

}  // namespace cuda
}  // namespace chainrule
