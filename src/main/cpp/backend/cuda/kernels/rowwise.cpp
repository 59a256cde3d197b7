// Sums over the batch (rows) and over the features of each sample (columns). Every sum has one order, a function of the
// shape alone: threads add what is theirs one after another, then the block adds up the threads'.
#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/log_sum_exp.h"
#include "ops/softmax.h"

namespace chainrule {
namespace cuda {

namespace {

// ---- along rows

// A long row is cut into parts, each with a block of its own, when there are few rows.
constexpr int64_t part_columns = 8192;
constexpr int64_t enough_blocks = 512;

int64_t parts_of(int64_t rows, int64_t columns) {
  if (rows >= enough_blocks / 2) return 1;
  const int64_t parts = ceil_div(columns, part_columns);
  return parts < enough_blocks / rows ? parts : enough_blocks / rows;
}

struct Plain {
  template <class T>
  DEVICE static T term(T x) {
    return x;
  }
};

// s = α Σ + β s.
template <class T>
struct ScaledSum {
  const Scalars* scalars;
  DEVICE void operator()(double sum, T* s) const {
    const double alpha = scalars->alpha, beta = scalars->beta;
    *s = static_cast<T>(alpha * sum + (beta == 0 ? 0.0 : beta * static_cast<double>(*s)));
  }
};

template <class T, class Rule>
struct RuleSum {
  double n;
  DEVICE void operator()(double sum, T* s) const { *s = static_cast<T>(Rule::finish(sum, n)); }
};

// Block b adds part b % parts of row b / parts. With one part it also finishes; else the sums go to `partials`.
template <class T, class Rule, class Finish>
struct RowSum {
  static constexpr int threads = 256, phases = 3;
  struct Shared {
    double sums[threads];
  };
  using Local = None;

  Finish finish;
  View<T> x;
  View<T> s;  // one value a row
  int64_t columns, parts, part;
  double* partials;
  bool in_packs;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    if constexpr (phase == 0) {
      shared.sums[at.thread] = own_sum(at);
    } else if constexpr (phase == 1) {
      fold<threads>(shared.sums, at.thread);
    } else if (at.thread == 0) {
      const double sum = folded<threads>(shared.sums);
      if (parts > 1) {
        partials[at.block] = sum;
      } else {
        finish(sum, s.at(at.block, 0));
      }
    }
  }

  DEVICE double own_sum(Thread at) const {
    constexpr int32_t width = pack_width<T>;
    const int64_t row = divide(at.block, parts), begin = (at.block - row * parts) * part;
    const int64_t end = begin + part < columns ? begin + part : columns;
    double sum = 0;
    for (int64_t c = begin + at.thread * width; c < end; c += threads * width) {
      const int32_t count = end - c < width ? static_cast<int32_t>(end - c) : width;
      Pack<T> values;
      load(values, x, row, c, count, in_packs && count == width);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < width; ++i) {
        if (i < count) sum += static_cast<double>(Rule::term(values.v[i]));
      }
    }
    return sum;
  }
};

// The second pass: a thread a row adds its parts in order.
template <class T, class Finish>
struct AddParts {
  static constexpr int threads = 64, phases = 1;
  using Shared = None;
  using Local = None;

  Finish finish;
  View<T> s;
  const double* partials;
  int64_t rows, parts;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    const int64_t row = at.block * threads + at.thread;
    if (row >= rows) return;
    double sum = 0;
    for (int64_t p = 0; p < parts; ++p) sum += partials[row * parts + p];
    finish(sum, s.at(row, 0));
  }
};

template <class T, class Rule, class Finish>
void sum_rows(const Run& run, const View<T>& s, const View<T>& x, int64_t rows, int64_t columns,
              Finish finish) {
  const int64_t parts = parts_of(rows, columns), per_part = ceil_div(columns, parts);
  // whole packs, so that every part begins at one
  const int64_t part = ceil_div(per_part, pack_width<T>) * pack_width<T>;
  double* partials = reinterpret_cast<double*>(run.scratch);
  launch(run.queue, rows * parts,
         RowSum<T, Rule, Finish>{finish, x, s, columns, parts, part, partials, in_packs(x, rows)});
  if (parts == 1) return;
  using Second = AddParts<T, Finish>;
  launch(run.queue, ceil_div(rows, Second::threads), Second{finish, s, partials, rows, parts});
}

// ---- down columns: 64 samples a block, whose features eight lanes of threads go through side by side

template <class T, class Rule>
struct ColumnSum {
  static constexpr int threads = Lanes::threads, phases = 2;
  struct Shared {
    double sums[Lanes::lanes][Lanes::columns];
  };
  using Local = None;

  View<T> s, x;
  int64_t rows, columns;
  double n;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    if constexpr (phase == 0) {
      double sum = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        sum += static_cast<double>(Rule::term(*x.at(r, on.column)));
      }
      shared.sums[on.lane][on.place] = sum;
    } else if (on.lane == 0) {
      *s.at(0, on.column) = static_cast<T>(Rule::finish(on.add(shared.sums), n));
    }
  }
};

// softmax and log_sum_exp: the maximum, then the numerators and their sum.
template <class T, bool log_sum_exp>
struct SoftmaxForward {
  static constexpr int threads = Lanes::threads, phases = 3;
  struct Shared {
    T maxima[Lanes::lanes][Lanes::columns];
    T sums[Lanes::lanes][Lanes::columns];
  };
  using Local = None;

  View<T> out, z;
  int64_t rows, columns;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    if constexpr (phase == 0) {
      shared.maxima[on.lane][on.place] = on.max(z, rows);
    } else if constexpr (phase == 1) {
      const T max = on.max(shared.maxima);
      T sum = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const T numerator = Softmax::numerator(*z.at(r, on.column), max);
        sum += numerator;
        if constexpr (!log_sum_exp) *out.at(r, on.column) = numerator;
      }
      shared.sums[on.lane][on.place] = sum;
    } else if constexpr (log_sum_exp) {
      if (on.lane == 0) {
        *out.at(0, on.column) = LogSumExp::forward(on.max(shared.maxima), on.add(shared.sums));
      }
    } else {
      const T sum = on.add(shared.sums);
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        T* place = out.at(r, on.column);
        *place = Softmax::forward(*place, sum);
      }
    }
  }
};

template <class T>
struct SoftmaxBackward {
  static constexpr int threads = Lanes::threads, phases = 2;
  struct Shared {
    T dots[Lanes::lanes][Lanes::columns];
  };
  using Local = None;

  View<T> d_z, delta, a;
  int64_t rows, columns;
  bool accumulate;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    if constexpr (phase == 0) {
      T dot = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        dot += *a.at(r, on.column) * *delta.at(r, on.column);
      }
      shared.dots[on.lane][on.place] = dot;
    } else {
      const T dot = on.add(shared.dots);
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const T value = Softmax::backward(*delta.at(r, on.column), *a.at(r, on.column), dot);
        T* place = d_z.at(r, on.column);
        *place = accumulate ? *place + value : value;
      }
    }
  }
};

template <class T>
struct Rowwise {
  static View<T> operand(const Launch& launch, const Run& run, int32_t index) {
    return view<T>(run, launch.step.operands[index]);
  }

  static void row_sum(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    sum_rows<T, Plain>(run, operand(launch, run, 0), operand(launch, run, 1), step.rows, step.columns,
                       ScaledSum<T>{run.scalars + launch.step_index});
  }

  template <class Rule>
  static void reduction_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    const View<T> s = operand(launch, run, 0), x = operand(launch, run, 1);
    const double n = static_cast<double>(step.count);
    if (step.columns == 1 && x.row_stride == 1) {  // contiguous: one row
      return sum_rows<T, Rule>(run, s, View<T>{x.data, 0, 1}, 1, step.rows, RuleSum<T, Rule>{n});
    }
    launch_columns(run, ColumnSum<T, Rule>{s, x, step.rows, step.columns, n});
  }

  template <bool log_sum_exp>
  static void softmax_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(run, SoftmaxForward<T, log_sum_exp>{operand(launch, run, 0), operand(launch, run, 1),
                                                       step.rows, step.columns});
  }

  static void softmax_backward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(
        run, SoftmaxBackward<T>{operand(launch, run, 0), operand(launch, run, 1), operand(launch, run, 2),
                                step.rows, step.columns, step.accumulate});
  }

  static Launcher find(const Step& step) {
    switch (step.kind) {
      case StepKind::row_sum: return row_sum;
      case StepKind::reduction_forward:
        return visit_reduction(step.op, Launcher(nullptr),
                               [](auto rule) { return Launcher(reduction_forward<decltype(rule)>); });
      case StepKind::log_sum_exp_forward: return softmax_forward<true>;
      case StepKind::softmax_forward: return softmax_forward<false>;
      case StepKind::softmax_backward: return softmax_backward;
      default: return nullptr;
    }
  }
};

}  // namespace

int64_t scratch_bytes(const Step& step) {
  int64_t rows = step.rows, columns = step.columns;
  if (step.kind == StepKind::reduction_forward && columns == 1) {
    rows = 1, columns = step.rows;
  } else if (step.kind != StepKind::row_sum) {
    return 0;
  }
  const int64_t parts = parts_of(rows, columns);
  return parts > 1 ? rows * parts * static_cast<int64_t>(sizeof(double)) : 0;
}

Launcher find_rowwise(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Rowwise<float>::find(step) : Rowwise<double>::find(step);
}

}  // namespace cuda
}  // namespace chainrule
