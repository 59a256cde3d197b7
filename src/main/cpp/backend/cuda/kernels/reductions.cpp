// Sums over the batch (along rows) and over the features of each sample (reductions). Every sum has one order, which
// depends on the shape alone: each thread adds its elements one after another, then the block adds the threads' sums.
#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/long_sum.h"

namespace chainrule {
namespace cuda {

namespace {

// ---- along rows

// If there are few rows, a long row is divided into parts with a block each.
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

// The summands: a rule's terms of the elements.
template <class T, class Rule>
struct Terms {
  View<T> x;

  bool in_packs(int64_t rows) const { return cuda::in_packs(x, rows); }

  DEVICE void operator()(Pack<T>& terms, int64_t r, int64_t c, int32_t count, bool whole) const {
    load(terms, x, r, c, count, whole);
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < pack_width<T>; ++i) terms.v[i] = Rule::term(terms.v[i]);
  }
};

// The summands: the results of an activation's backward rule, d_z (+)= rule(δ, saved). They are also written to d_z.
template <class T, class Rule>
struct DerivativeTerms {
  View<T> d_z, delta, saved;
  T c;
  bool accumulate;

  bool in_packs(int64_t rows) const {
    return cuda::in_packs(d_z, rows) && cuda::in_packs(delta, rows) && cuda::in_packs(saved, rows);
  }

  DEVICE void operator()(Pack<T>& terms, int64_t row, int64_t column, int32_t count, bool whole) const {
    Pack<T> d, s;
    load(d, delta, row, column, count, whole);
    load(s, saved, row, column, count, whole);
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < pack_width<T>; ++i) terms.v[i] = Rule::backward(d.v[i], s.v[i], c);
    if (accumulate) {
      load(d, d_z, row, column, count, whole);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < pack_width<T>; ++i) terms.v[i] = d.v[i] + terms.v[i];
    }
    store(terms, d_z, row, column, count, whole);
  }
};

// The threads of a block. All of them sum a part of one row, or each of its eight warps sums a short row.
constexpr int32_t row_threads = 256, warp_threads = 32;
constexpr int64_t packs_of_short_row = 4 * warp_threads;

// Group g of `lanes` threads adds part g % parts of row g / parts. If there is one part, it also writes the result.
// Otherwise it writes the part's sum to `partials`.
template <class T, class Source, class Finish>
struct RowSum {
  static constexpr int threads = row_threads, phases = 3;
  struct Shared {
    double sums[threads];
  };
  using Local = None;

  Finish finish;
  Source source;
  View<T> s;  // one value per row
  int64_t rows, columns, parts, part;
  int32_t lanes;
  double* partials;
  bool in_packs;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const int32_t in_block = at.thread / lanes, lane = at.thread - in_block * lanes;
    const int64_t group = at.block * (threads / lanes) + in_block;
    if (group >= rows * parts) return;
    double* const sums = shared.sums + in_block * lanes;
    if constexpr (phase == 0) {
      sums[lane] = own_sum(group, lane);
    } else if constexpr (phase == 1) {
      fold(sums, lanes, lane);
    } else if (lane == 0) {
      const double sum = folded(sums, lanes);
      if (parts > 1) {
        partials[group] = sum;
      } else {
        finish(sum, s.at(group, 0));
      }
    }
  }

  DEVICE double own_sum(int64_t group, int32_t lane) const {
    constexpr int32_t width = pack_width<T>;
    const int64_t row = divide(group, parts), begin = (group - row * parts) * part;
    const int64_t end = begin + part < columns ? begin + part : columns;
    SumInDouble<T> sum;
    for (int64_t c = begin + lane * width; c < end; c += lanes * width) {
      const int32_t count = end - c < width ? static_cast<int32_t>(end - c) : width;
      Pack<T> terms;
      source(terms, row, c, count, in_packs && count == width);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < width; ++i) {
        if (i < count) sum.add(static_cast<double>(terms.v[i]));
      }
    }
    return sum.value();
  }
};

// The second pass: one thread per row adds its parts in order.
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
    SumInDouble<T> sum;
    for (int64_t p = 0; p < parts; ++p) sum.add(partials[row * parts + p]);
    finish(sum.value(), s.at(row, 0));
  }
};

template <class T, class Source, class Finish>
void sum_rows(const Run& run, const View<T>& s, const Source& source, int64_t rows, int64_t columns,
              Finish finish) {
  const int64_t parts = parts_of(rows, columns), per_part = ceil_div(columns, parts);
  // a multiple of the pack width, so that every part begins with a whole pack
  const int64_t part = ceil_div(per_part, pack_width<T>) * pack_width<T>;
  const bool is_short = parts == 1 && part <= packs_of_short_row * pack_width<T>;
  const int32_t lanes = is_short ? warp_threads : row_threads;
  double* partials = reinterpret_cast<double*>(run.scratch);
  launch(run.queue, ceil_div(rows * parts, row_threads / lanes),
         RowSum<T, Source, Finish>{finish, source, s, rows, columns, parts, part, lanes, partials,
                                   source.in_packs(rows)});
  if (parts == 1) return;
  using Second = AddParts<T, Finish>;
  launch(run.queue, ceil_div(rows, Second::threads), Second{finish, s, partials, rows, parts});
}

// ---- down columns

// A reduction over the features. A block computes adjacent columns (samples).
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
    const Lanes own(at);
    if (own.column >= columns) return;
    if constexpr (phase == 0) {
      SumInDouble<T> sum;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        sum.add(static_cast<double>(Rule::term(*x.at(r, own.column))));
      }
      shared.sums[own.lane][own.place] = sum.value();
    } else if (own.lane == 0) {
      *s.at(0, own.column) = static_cast<T>(Rule::finish(own.add(shared.sums), n));
    }
  }
};

template <class T>
struct Sums {
  static View<T> operand(const Launch& launch, const Run& run, int32_t index) {
    return view<T>(run, launch.step.operands[index]);
  }

  static void row_sum(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    sum_rows(run, operand(launch, run, 0), Terms<T, Plain>{operand(launch, run, 1)}, step.rows, step.columns,
             ScaledSum<T>{run.scalars + launch.step_index});
  }

  // The launch has two steps: the backward rule and the row_sum.
  template <class Rule>
  static void derivative_and_sum(const Launch& launch, const Run& run) {
    const Step &step = launch.step, &sum = launch.steps[1];
    const View<T> delta = operand(launch, run, 1);
    const View<T> saved = step.operands[2].present() ? operand(launch, run, 2) : delta;
    sum_rows(run, view<T>(run, sum.operands[0]),
             DerivativeTerms<T, Rule>{operand(launch, run, 0), delta, saved, static_cast<T>(step.constant),
                                      step.accumulate},
             step.rows, step.columns, ScaledSum<T>{run.scalars + launch.step_index + 1});
  }

  template <class Rule>
  static void reduction_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    const View<T> s = operand(launch, run, 0), x = operand(launch, run, 1);
    const double n = static_cast<double>(step.count);
    if (step.columns == 1 && x.row_stride == 1) {  // The column is contiguous: sum it as a row.
      return sum_rows(run, s, Terms<T, Rule>{View<T>{x.data, 0, 1}}, 1, step.rows, RuleSum<T, Rule>{n});
    }
    launch_columns(run, ColumnSum<T, Rule>{s, x, step.rows, step.columns, n});
  }

  static Launcher find_derivative_and_sum(Op op) {
    return visit_unary(op, Launcher(nullptr), [](auto rule) {
      using Rule = decltype(rule);
      if constexpr (is_random<Rule>(0)) {
        return Launcher(nullptr);  // joins_phase does not join random rules
      } else {
        return Launcher(derivative_and_sum<Rule>);
      }
    });
  }

  static Launcher find(const Step& step) {
    switch (step.kind) {
      case StepKind::row_sum: return row_sum;
      case StepKind::reduction_forward:
        return visit_reduction(step.op, Launcher(nullptr),
                               [](auto rule) { return Launcher(reduction_forward<decltype(rule)>); });
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

Launcher find_sum(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Sums<float>::find(step) : Sums<double>::find(step);
}

Launcher find_derivative_and_sum(Op op, DType dtype) {
  return dtype == DType::float32 ? Sums<float>::find_derivative_and_sum(op)
                                 : Sums<double>::find_derivative_and_sum(op);
}

}  // namespace cuda
}  // namespace chainrule
