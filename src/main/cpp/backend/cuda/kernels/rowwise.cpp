// Rules that need all features of a sample: softmax, log_sum_exp and layer_norm. A block computes adjacent columns
// (samples); the rows of each column are divided among eight threads. Every sum has one order, which depends on the
// shape alone.
#include "backend/cuda/kernels/kernels.h"
#include "backend/cuda/kernels/sums.h"
#include "ops/layer_norm.h"
#include "ops/log_sum_exp.h"
#include "ops/long_sum.h"
#include "ops/softmax.h"

namespace chainrule {
namespace cuda {

namespace {

// softmax and log_sum_exp: computes the maximum, then the numerators and their sum, then the result.
template <class T, bool log_sum_exp>
struct SoftmaxForward {
  static constexpr int threads = Lanes::threads, phases = 3;
  struct Shared {
    T maxima[Lanes::lanes][Lanes::columns];
    T sums[Lanes::lanes][Lanes::columns];    // of the numerators that are below the maximum
    T counts[Lanes::lanes][Lanes::columns];  // of the logits that are the maximum
  };
  using Local = None;

  View<T> out, z, saved;
  int64_t rows, columns;

  template <int phase>
  DEVICE void run(Thread at, Shared& shared, None&) const {
    const Lanes own(at);
    if (own.column >= columns) return;
    if constexpr (phase == 0) {
      shared.maxima[own.lane][own.place] = own.max(z, rows);
    } else if constexpr (phase == 1) {
      const T max = own.max(shared.maxima);
      LongSum<T> sum, count;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const T logit = *z.at(r, own.column), numerator = Softmax::numerator(logit, max);
        sum.add(Softmax::below_max(logit, max, numerator));
        count.add(Softmax::is_max(logit, max));
        if constexpr (!log_sum_exp) *out.at(r, own.column) = numerator;
      }
      shared.sums[own.lane][own.place] = sum.value();
      shared.counts[own.lane][own.place] = count.value();
    } else if constexpr (log_sum_exp) {
      if (own.lane > 0) return;
      const T max = own.max(shared.maxima);
      const T others = Softmax::others(own.add(shared.sums), own.add(shared.counts));
      *out.at(0, own.column) = LogSumExp::forward(max, others);
      if (saved.data == nullptr) return;
      *saved.at(0, own.column) = max;
      *saved.at(1, own.column) = LogSumExp::inverse(others);
    } else {
      const T sum = Softmax::sum(Softmax::others(own.add(shared.sums), own.add(shared.counts)));
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        T* place = out.at(r, own.column);
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
    const Lanes own(at);
    if (own.column >= columns) return;
    if constexpr (phase == 0) {
      LongSum<T> dot;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        dot.add(*a.at(r, own.column) * *delta.at(r, own.column));
      }
      shared.dots[own.lane][own.place] = dot.value();
    } else {
      const T dot = own.add(shared.dots);
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const T value = Softmax::backward(*delta.at(r, own.column), *a.at(r, own.column), dot);
        T* place = d_z.at(r, own.column);
        *place = accumulate ? *place + value : value;
      }
    }
  }
};

// layer_norm. `saved` has three rows with a value per sample each: mean, rest and r (see ops/layer_norm.h).
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
    const Lanes own(at);
    if (own.column >= columns) return;
    if constexpr (phase == 0) {
      SumInDouble<T> sum;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes)
        sum.add(static_cast<double>(*x.at(r, own.column)));
      shared.sums[own.lane][own.place] = sum.value();
      return;
    }
    const T mean = LayerNorm::mean<T>(own.add(shared.sums), k);
    if constexpr (phase == 1) {
      SumInDouble<T> rest, squares;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const double from_mean = static_cast<double>(*x.at(r, own.column)) - static_cast<double>(mean);
        rest.add(from_mean);
        squares.add(from_mean * from_mean);
      }
      shared.rests[own.lane][own.place] = rest.value();
      shared.squares[own.lane][own.place] = squares.value();
    } else {
      const double sum = own.add(shared.rests);
      const T rest = LayerNorm::rest<T>(sum, k);
      const T scale = LayerNorm::r<T>(sum, own.add(shared.squares), k, c);
      if (own.lane == 0 && saved.data != nullptr) {
        *saved.at(0, own.column) = mean;
        *saved.at(1, own.column) = rest;
        *saved.at(2, own.column) = scale;
      }
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const T w = weight.data == nullptr ? T(1) : *weight.at(r, 0);
        const T b = bias.data == nullptr ? T(0) : *bias.at(r, 0);
        *y.at(r, own.column) =
            LayerNorm::forward(LayerNorm::normalised(*x.at(r, own.column), mean, rest, scale), w, b);
      }
    }
  }
};

// The inputs of layer_norm's backward steps.
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
    const Lanes own(at);
    if (own.column >= columns) return;
    if constexpr (phase == 0) {
      SumInDouble<T> sum, products;
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const double g = static_cast<double>(in.g(r, own.column));
        sum.add(g);
        products.add(g * static_cast<double>(in.n(r, own.column)));
      }
      shared.sums[own.lane][own.place] = sum.value();
      shared.products[own.lane][own.place] = products.value();
    } else {
      const T mean_g = static_cast<T>(own.add(shared.sums) / k);
      const T mean_gn = static_cast<T>(own.add(shared.products) / k);
      const T scale = *in.saved.at(2, own.column);
      CHAINRULE_UNROLL_ROWS
      for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
        const T value = LayerNorm::backward(in.g(r, own.column), in.n(r, own.column), scale, mean_g, mean_gn);
        T* place = d_x.at(r, own.column);
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
    const Lanes own(at);
    if (own.column >= columns) return;
    CHAINRULE_UNROLL_ROWS
    for (int64_t r = own.lane; r < rows; r += Lanes::lanes) {
      const T value = LayerNorm::d_weight(*in.delta.at(r, own.column), in.n(r, own.column));
      T* place = t.at(r, own.column);
      *place = accumulate ? *place + value : value;
    }
  }
};

template <class T>
struct Rowwise {
  static View<T> operand(const Launch& launch, const Run& run, int32_t index) {
    return view<T>(run, launch.step.operands[index]);
  }

  template <bool log_sum_exp>
  static void softmax_forward(const Launch& launch, const Run& run) {
    const Step& step = launch.step;
    launch_columns(run, SoftmaxForward<T, log_sum_exp>{operand(launch, run, 0), operand(launch, run, 1),
                                                       operand(launch, run, 2), step.rows, step.columns});
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

  // Returns the launcher of a rule's forward, backward or parameter backward step.
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

  static Launcher find(const Step& step) {
    switch (step.kind) {
      case StepKind::log_sum_exp_forward: return softmax_forward<true>;
      case StepKind::rowwise_forward:
      case StepKind::rowwise_backward:
      case StepKind::rowwise_parameter_backward: return find_rule(step);
      default: return nullptr;
    }
  }
};

}  // namespace

Launcher find_rowwise(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Rowwise<float>::find(step) : Rowwise<double>::find(step);
}

}  // namespace cuda
}  // namespace chainrule
