// Sums over the batch (rows) and over the features of each sample (columns). Every sum has one order, a function of the
// shape alone: threads add what is theirs one after another, then the block adds up the threads'.
#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/layer_norm.h"
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

// What is added up: a rule's terms of the elements.
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

// What the backward rule of an activation gives, d_z (+)= rule(δ, saved), which is written on the way.
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

// A block has so many threads, all of them for a part of one row, or a warp for each of eight short ones.
constexpr int32_t row_threads = 256, warp_threads = 32;
constexpr int64_t packs_of_short_row = 4 * warp_threads;

// Group g of `lanes` threads adds part g % parts of row g / parts. With one part it also finishes; else the sums go to
// `partials`.
template <class T, class Source, class Finish>
struct RowSum {
  static constexpr int threads = row_threads, phases = 3;
  struct Shared {
    double sums[threads];
  };
  using Local = None;

  Finish finish;
  Source source;
  View<T> s;  // one value a row
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
    double sum = 0;
    for (int64_t c = begin + lane * width; c < end; c += lanes * width) {
      const int32_t count = end - c < width ? static_cast<int32_t>(end - c) : width;
      Pack<T> terms;
      source(terms, row, c, count, in_packs && count == width);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < width; ++i) {
        if (i < count) sum += static_cast<double>(terms.v[i]);
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

template <class T, class Source, class Finish>
void sum_rows(const Run& run, const View<T>& s, const Source& source, int64_t rows, int64_t columns,
              Finish finish) {
  const int64_t parts = parts_of(rows, columns), per_part = ceil_div(columns, parts);
  // whole packs, so that every part begins at one
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

// ---- down columns: the samples of a block, whose features eight lanes of threads go through side by side

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

// layer_norm. What it saves of a sample stands in three rows of `saved`.
template <class T>
struct LayerNormForward {
  static constexpr int threads = Lanes::threads, phases = 3;
  struct Shared {
    double sums[Lanes::lanes][Lanes::columns], rests[Lanes::lanes][Lanes::columns];
    double squares[Lanes::lanes][Lanes::columns];
  };
  using Local = None;

  View<T> y, x, saved, weight, bias;
  int64_t rows, columns;
  double k, c;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    if constexpr (phase == 0) {
      double sum = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) sum += static_cast<double>(*x.at(r, on.column));
      shared.sums[on.lane][on.place] = sum;
      return;
    }
    const T mean = LayerNorm::mean<T>(on.add(shared.sums), k);
    if constexpr (phase == 1) {
      double rest = 0, squares = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const double from_mean = static_cast<double>(*x.at(r, on.column) - mean);
        rest += from_mean;
        squares += from_mean * from_mean;
      }
      shared.rests[on.lane][on.place] = rest;
      shared.squares[on.lane][on.place] = squares;
    } else {
      const double sum = on.add(shared.rests);
      const T rest = LayerNorm::rest<T>(sum, k);
      const T scale = LayerNorm::r<T>(sum, on.add(shared.squares), k, c);
      if (on.lane == 0 && saved.data != nullptr) {
        *saved.at(0, on.column) = mean;
        *saved.at(1, on.column) = rest;
        *saved.at(2, on.column) = scale;
      }
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const T w = weight.data == nullptr ? T(1) : *weight.at(r, 0);
        const T b = bias.data == nullptr ? T(0) : *bias.at(r, 0);
        *y.at(r, on.column) =
            LayerNorm::forward(LayerNorm::normalised(*x.at(r, on.column), mean, rest, scale), w, b);
      }
    }
  }
};

// δ, x and what was saved, as the backward passes of layer_norm read them.
template <class T>
struct LayerNormInputs {
  View<T> delta, x, saved, weight;

  DEVICE T n(int64_t r, int64_t column) const {
    return LayerNorm::normalised(*x.at(r, column), *saved.at(0, column), *saved.at(1, column),
                                 *saved.at(2, column));
  }
  DEVICE T g(int64_t r, int64_t column) const {
    return (weight.data == nullptr ? T(1) : *weight.at(r, 0)) * *delta.at(r, column);
  }
};

template <class T>
struct LayerNormBackward {
  static constexpr int threads = Lanes::threads, phases = 2;
  struct Shared {
    double sums[Lanes::lanes][Lanes::columns], products[Lanes::lanes][Lanes::columns];
  };
  using Local = None;

  View<T> d_x;
  LayerNormInputs<T> in;
  int64_t rows, columns;
  double k;
  bool accumulate;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    if constexpr (phase == 0) {
      double sum = 0, products = 0;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const double g = static_cast<double>(in.g(r, on.column));
        sum += g;
        products += g * static_cast<double>(in.n(r, on.column));
      }
      shared.sums[on.lane][on.place] = sum;
      shared.products[on.lane][on.place] = products;
    } else {
      const T mean_g = static_cast<T>(on.add(shared.sums) / k);
      const T mean_gn = static_cast<T>(on.add(shared.products) / k);
      const T scale = *in.saved.at(2, on.column);
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
        const T value = LayerNorm::backward(in.g(r, on.column), in.n(r, on.column), scale, mean_g, mean_gn);
        T* place = d_x.at(r, on.column);
        *place = accumulate ? *place + value : value;
      }
    }
  }
};

template <class T>
struct LayerNormWeightBackward {
  static constexpr int threads = Lanes::threads, phases = 1;
  using Shared = None;
  using Local = None;

  View<T> t;
  LayerNormInputs<T> in;
  int64_t rows, columns;
  bool accumulate;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    const Lanes on(at);
    if (on.column >= columns) return;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = on.lane; r < rows; r += Lanes::lanes) {
      const T value = LayerNorm::d_weight(*in.delta.at(r, on.column), in.n(r, on.column));
      T* place = t.at(r, on.column);
      *place = accumulate ? *place + value : value;
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
    sum_rows(run, operand(launch, run, 0), Terms<T, Plain>{operand(launch, run, 1)}, step.rows, step.columns,
             ScaledSum<T>{run.scalars + launch.step_index});
  }

  // The launch's steps are the rule's and that of the sum.
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
    if (step.columns == 1 && x.row_stride == 1) {  // contiguous: one row
      return sum_rows(run, s, Terms<T, Rule>{View<T>{x.data, 0, 1}}, 1, step.rows, RuleSum<T, Rule>{n});
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

  static void layer_norm_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(
        run, LayerNormForward<T>{operand(launch, run, 0), operand(launch, run, 1), operand(launch, run, 2),
                                 operand(launch, run, 3), operand(launch, run, 4), step.rows, step.columns,
                                 static_cast<double>(step.count), step.constant});
  }

  static LayerNormInputs<T> layer_norm_inputs(const Launch& launch, const Run& run) {
    return {operand(launch, run, 1), operand(launch, run, 2), operand(launch, run, 3),
            operand(launch, run, 4)};
  }

  static void layer_norm_backward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(run,
                   LayerNormBackward<T>{operand(launch, run, 0), layer_norm_inputs(launch, run), step.rows,
                                        step.columns, static_cast<double>(step.count), step.accumulate});
  }

  static void layer_norm_weight_backward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(run, LayerNormWeightBackward<T>{operand(launch, run, 0), layer_norm_inputs(launch, run),
                                                   step.rows, step.columns, step.accumulate});
  }

  // The three steps of each row-wise rule.
  static Launcher find_rule(const Step& step) {
    const bool forward = step.kind == StepKind::rowwise_forward;
    const bool backward = step.kind == StepKind::rowwise_backward;
    switch (step.op) {
      case Op::softmax: return forward ? softmax_forward<false> : softmax_backward;
      case Op::layer_norm:
        return forward ? layer_norm_forward : backward ? layer_norm_backward : layer_norm_weight_backward;
      default: return nullptr;
    }
  }

  static Launcher find_derivative_and_sum(Op op) {
    return visit_unary(op, Launcher(nullptr), [](auto rule) {
      using Rule = decltype(rule);
      if constexpr (is_random<Rule>(0)) {
        return Launcher(nullptr);  // joins_phase keeps them apart
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
      case StepKind::log_sum_exp_forward: return softmax_forward<true>;
      case StepKind::rowwise_forward:
      case StepKind::rowwise_backward:
      case StepKind::rowwise_parameter_backward: return find_rule(step);
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

Launcher find_derivative_and_sum(Op op, DType dtype) {
  return dtype == DType::float32 ? Rowwise<float>::find_derivative_and_sum(op)
                                 : Rowwise<double>::find_derivative_and_sum(op);
}

}  // namespace cuda
}  // namespace chainrule
