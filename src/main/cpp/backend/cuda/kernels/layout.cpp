// Transposes of the users' data ([batch][feature]), polynomial features, and gathering a batch's samples from resident
// columns.
#include "backend/cuda/kernels/kernels.h"
#include "ops/long_sum.h"
#include "ops/polynomial_features.h"

namespace chainrule {
namespace cuda {

namespace {

// to[r][c] = from[c][r]. Each block transposes a square in its shared memory, so that both matrices are accessed along
// their rows.
template <class T, bool adds_zero>
struct Transpose {
  static constexpr int side = 32, lanes = 8;
  static constexpr int threads = side * lanes, phases = 2;
  struct Shared {
    T square[side][side + 1];  // one more column, so that the elements of a column are in different banks
  };
  using Local = None;

  View<T> to, from;
  int64_t rows, columns;  // of `to`
  int64_t squares_per_row;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const int64_t down = divide(at.block, squares_per_row);
    const int64_t first_row = down * side, first_column = (at.block - down * squares_per_row) * side;
    const int32_t x = at.thread % side;
    for (int32_t y = at.thread / side; y < side; y += lanes) {
      if constexpr (phase == 0) {
        const int64_t r = first_row + x, c = first_column + y;
        if (r < rows && c < columns) shared.square[y][x] = *from.at(c, r);
      } else {
        const int64_t r = first_row + y, c = first_column + x;
        if (r >= rows || c >= columns) continue;
        // + 0 turns the -0 that ReLU stores into 0
        *to.at(r, c) = adds_zero ? shared.square[x][y] + T(0) : shared.square[x][y];
      }
    }
  }
};

template <bool adds_zero, class T>
void transpose(const Run& run, const View<T>& to, const View<T>& from, int64_t rows, int64_t columns) {
  using Kernel = Transpose<T, adds_zero>;
  const int64_t squares_per_row = ceil_div(columns, Kernel::side);
  launch(run.queue, ceil_div(rows, Kernel::side) * squares_per_row,
         Kernel{to, from, rows, columns, squares_per_row});
}

// A thread computes φ from feature i of one sample.
template <class T>
struct PolynomialForward {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  View<T> phi, x;
  int64_t features, samples;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    using Rule = PolynomialFeatures;
    const int64_t index = at.block * threads + at.thread, i = divide(index, samples), c = index - i * samples;
    if (i >= features) return;
    const T x_i = *x.at(i, c);
    *phi.at(i, c) = x_i;
    *phi.at(features + i, c) = Rule::product(x_i, x_i);
    for (int64_t j = i + 1; j < features; ++j) {
      *phi.at(Rule::pair(i, j, features), c) = Rule::product(x_i, *x.at(j, c));
    }
  }
};

template <class T>
struct PolynomialBackward {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  View<T> d_x, delta, x;
  int64_t features, samples;
  bool accumulate;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    using Rule = PolynomialFeatures;
    const int64_t index = at.block * threads + at.thread, i = divide(index, samples), c = index - i * samples;
    if (i >= features) return;
    T* place = d_x.at(i, c);
    LongSum<T> sum;
    sum.add(*delta.at(i, c) + 2 * Rule::d_factor(*delta.at(features + i, c), *x.at(i, c)));
    for (int64_t j = 0; j < features; ++j) {
      if (j == i) continue;
      const int64_t pair = i < j ? Rule::pair(i, j, features) : Rule::pair(j, i, features);
      sum.add(Rule::d_factor(*delta.at(pair, c), *x.at(j, c)));
    }
    *place = accumulate ? *place + sum.value() : sum.value();
  }
};

template <class T>
struct Layout {
  static View<T> operand(const Launch& launch, const Run& run, int32_t index) {
    return view<T>(run, launch.step.operands[index]);
  }

  static void transpose_in(const Launch& launch, const Run& run) {
    transpose<false>(run, operand(launch, run, 0), operand(launch, run, 1), launch.step.rows,
                     launch.step.columns);
  }

  // The step's domain is that of the value. In the user's matrix rows and columns are exchanged.
  static void transpose_out(const Launch& launch, const Run& run) {
    transpose<true>(run, operand(launch, run, 0), operand(launch, run, 1), launch.step.columns,
                    launch.step.rows);
  }

  static void polynomial_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    using Kernel = PolynomialForward<T>;
    cuda::launch(run.queue, ceil_div(step.rows * step.columns, Kernel::threads),
                 Kernel{operand(launch, run, 0), operand(launch, run, 1), step.rows, step.columns});
  }

  static void polynomial_backward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    using Kernel = PolynomialBackward<T>;
    cuda::launch(run.queue, ceil_div(step.rows * step.columns, Kernel::threads),
                 Kernel{operand(launch, run, 0), operand(launch, run, 1), operand(launch, run, 2), step.rows,
                        step.columns, step.accumulate});
  }

  static Launcher find(const Step& step) {
    switch (step.kind) {
      case StepKind::transpose_in: return transpose_in;
      case StepKind::transpose_out: return transpose_out;
      case StepKind::polynomial_forward: return polynomial_forward;
      case StepKind::polynomial_backward: return polynomial_backward;
      default: return nullptr;
    }
  }
};

// to[sample][feature] = column[order[position + sample]][feature]
template <class To, class From>
struct Gather {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  To* to;
  const From* column;
  const Arguments* arguments;  // contain the order and the step's position in it
  int64_t samples, features;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    const int64_t index = at.block * threads + at.thread, sample = divide(index, features);
    if (sample >= samples) return;
    const int64_t row = arguments->order[arguments->numbers[arguments->step].position + sample];
    to[index] = static_cast<To>(column[row * features + (index - sample * features)]);
  }
};

template <class To, class From>
void gather_as(const Run& run, const ResidentColumn& column, int64_t batch, char* to) {
  using Kernel = Gather<To, From>;
  launch(run.queue, ceil_div(batch * column.features, Kernel::threads),
         Kernel{reinterpret_cast<To*>(to), reinterpret_cast<const From*>(column.values), run.arguments, batch,
                column.features});
}

template <class To>
void gather_values(const Run& run, const ResidentColumn& column, int64_t batch, char* to) {
  if (column.type == ColumnType::float32) return gather_as<To, float>(run, column, batch, to);
  gather_as<To, double>(run, column, batch, to);
}

}  // namespace

void gather(const Run& run, const ResidentColumn& column, DType dtype, int64_t batch, char* to) {
  if (column.type == ColumnType::label) return gather_as<int32_t, int32_t>(run, column, batch, to);
  if (dtype == DType::float32) return gather_values<float>(run, column, batch, to);
  gather_values<double>(run, column, batch, to);
}

Launcher find_layout(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Layout<float>::find(step) : Layout<double>::find(step);
}

}  // namespace cuda
}  // namespace chainrule
