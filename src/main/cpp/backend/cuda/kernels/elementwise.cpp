// Elementwise rules. Each thread computes a pack of adjacent elements of one row.
#include <algorithm>
#include <initializer_list>

#include "backend/cuda/kernels/kernels.h"
#include "ops/log_sum_exp.h"

namespace chainrule {
namespace cuda {

namespace {

// Returns true if the function also computes a derivative, which it writes to F::derivative.
template <class F>
HOST_DEVICE constexpr auto writes_derivative(int) -> decltype(F::writes_derivative, bool()) {
  return true;
}
template <class F>
HOST_DEVICE constexpr bool writes_derivative(long) {
  return false;
}

// out (+)= f(in[0], in[1], ...), element by element. The outputs may alias inputs (in place).
template <class T, int32_t inputs, class F>
struct Map {
  static constexpr int32_t places = inputs == 0 ? 1 : inputs;  // C++ has no arrays of size 0
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  F f;
  View<T> out;
  View<T> in[places];
  int64_t rows, columns, packs_per_row;
  bool in_packs, accumulate;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    constexpr int32_t width = pack_width<T>;
    const int64_t index = at.block * threads + at.thread;
    if (index >= rows * packs_per_row) return;
    const int64_t r = divide(index, packs_per_row), c = (index - r * packs_per_row) * width;
    const int64_t left = columns - c;
    const int32_t count = left < width ? static_cast<int32_t>(left) : width;
    const bool whole = in_packs && count == width;
    Pack<T> x[places], result;
    [[maybe_unused]] Pack<T> derivative;
    CHAINRULE_UNROLL
    for (int32_t k = 0; k < inputs; ++k) load(x[k], in[k], r, c, count, whole);
    [[maybe_unused]] uint32_t words[width] = {};
    if constexpr (is_random<F>(0)) f.words.get(r, c, words);
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < width; ++i) {
      T values[places];
      CHAINRULE_UNROLL
      for (int32_t k = 0; k < inputs; ++k) values[k] = x[k].v[i];
      if constexpr (is_random<F>(0)) {
        result.v[i] = f(values, words[i]);
      } else if constexpr (writes_derivative<F>(0)) {
        const WithDerivative<T> both = f(values);
        result.v[i] = both.value;
        derivative.v[i] = both.derivative;
      } else {
        result.v[i] = f(values);
      }
    }
    if (accumulate) {
      Pack<T> before;
      load(before, out, r, c, count, whole);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < width; ++i) result.v[i] = before.v[i] + result.v[i];
    }
    store(result, out, r, c, count, whole);
    if constexpr (writes_derivative<F>(0)) store(derivative, f.derivative, r, c, count, whole);
  }
};

// Treats contiguous rows, or a single column, as one row.
template <class T, int32_t inputs, class F>
void flatten(Map<T, inputs, F>* map) {
  constexpr int32_t outputs = writes_derivative<F>(0) ? 2 : 1;
  View<T>* views[outputs + inputs] = {&map->out};
  if constexpr (writes_derivative<F>(0)) views[1] = &map->f.derivative;
  for (int32_t k = 0; k < inputs; ++k) views[outputs + k] = &map->in[k];
  bool column = map->columns == 1, dense = true;
  for (const View<T>* view : views) {
    column = column && view->row_stride <= 1;
    dense = dense && ((view->column_stride == 1 && view->row_stride == map->columns) ||
                      (view->column_stride == 0 && view->row_stride == 0));
  }
  if (map->rows == 1 || !(column || dense)) return;
  for (View<T>* view : views) {
    if (column) view->column_stride = view->row_stride;
    view->row_stride = 0;
  }
  map->columns *= map->rows;
  map->rows = 1;
}

// Launches a Map that writes f of the inputs to the step's operand 0.
template <class T, int32_t inputs, class F>
void map(const Launch& launch, const Run& run, F f, std::initializer_list<View<T>> in) {
  const Step& step = launch.step;
  Map<T, inputs, F> kernel{
      f, view<T>(run, step.operands[0]), {}, step.rows, step.columns, 0, true, step.accumulate};
  std::copy(in.begin(), in.end(), kernel.in);
  if constexpr (!is_random<F>(0)) flatten(&kernel);  // A random word depends on row and column.
  kernel.in_packs = in_packs(kernel.out, kernel.rows);
  if constexpr (writes_derivative<F>(0)) {
    kernel.in_packs = kernel.in_packs && in_packs(kernel.f.derivative, kernel.rows);
  }
  for (int32_t k = 0; k < inputs; ++k)
    kernel.in_packs = kernel.in_packs && in_packs(kernel.in[k], kernel.rows);
  kernel.packs_per_row = ceil_div(kernel.columns, pack_width<T>);
  cuda::launch(run.queue, ceil_div(kernel.rows * kernel.packs_per_row, kernel.threads), kernel);
}

// Rules as functions of the operands' values.
template <class T, class Rule>
struct Forward {
  T c;
  DEVICE T operator()(const T (&x)[1]) const { return Rule::forward(x[0], c); }
};
template <class T, class Rule>
struct ForwardWithBias {
  T c;
  DEVICE T operator()(const T (&x)[2]) const { return Rule::forward(x[0] + x[1], c); }
};
// A function that also writes the derivative of its result, to a view of its own.
template <class T, class Rule, int32_t inputs>
struct ForwardWithDerivative {
  static constexpr bool writes_derivative = true;
  T c;
  View<T> derivative;
  DEVICE WithDerivative<T> operator()(const T (&x)[inputs]) const {
    if constexpr (inputs == 2) return Rule::with_derivative(x[0] + x[1], c);
    return Rule::with_derivative(x[0], c);
  }
};
template <class T, class Rule>
struct Backward {
  T c;
  DEVICE T operator()(const T (&x)[2]) const { return Rule::backward(x[0], x[1], c); }
};
// Random rules also get a random word.
template <class T, class Rule>
struct RandomForward {
  static constexpr bool random = true;
  T c;
  StepWords words;
  DEVICE T operator()(const T (&x)[1], uint32_t word) const { return Rule::forward(x[0], c, word); }
};
template <class T, class Rule>
struct RandomForwardWithBias {
  static constexpr bool random = true;
  T c;
  StepWords words;
  DEVICE T operator()(const T (&x)[2], uint32_t word) const { return Rule::forward(x[0] + x[1], c, word); }
};
template <class T, class Rule>
struct RandomBackward {
  static constexpr bool random = true;
  T c;
  StepWords words;
  DEVICE T operator()(const T (&x)[2], uint32_t word) const { return Rule::backward(x[0], x[1], c, word); }
};
template <class T, class Rule>
struct BinaryForward {
  DEVICE T operator()(const T (&x)[2]) const { return Rule::forward(x[0], x[1]); }
};
template <class T, class Rule, int32_t side>
struct BinaryBackward {
  DEVICE T operator()(const T (&x)[2]) const {
    if constexpr (side == 0) return Rule::backward_a(x[0], x[1]);
    return Rule::backward_b(x[0], x[1]);
  }
};
template <class T>
struct LogSumExpBackward {
  DEVICE T operator()(const T (&x)[4]) const { return LogSumExp::backward(x[0], x[1], x[2], x[3]); }
};
template <class T>
struct Same {
  DEVICE T operator()(const T (&x)[1]) const { return x[0]; }
};
template <class T>
struct Constant {
  T value;
  DEVICE T operator()(const T (&)[1]) const { return value; }
};

template <class T>
struct Elementwise {
  static View<T> operand(const Launch& launch, const Run& run, int32_t index) {
    return view<T>(run, launch.step.operands[index]);
  }
  // A rule that saves nothing gets δ instead of a saved value.
  static View<T> saved_or_delta(const Launch& launch, const Run& run) {
    return operand(launch, run, launch.step.operands[2].present() ? 2 : 1);
  }

  template <class Rule>
  static void unary_forward(const Launch& launch, const Run& run) {
    const T c = static_cast<T>(launch.step.constant);
    const View<T> z = operand(launch, run, 1);
    const bool has_bias = launch.step.operands[2].present();
    if constexpr (is_random<Rule>(0)) {
      const StepWords words = StepWords::of(run, launch, launch.step);
      if (has_bias) {
        map<T, 2>(launch, run, RandomForwardWithBias<T, Rule>{c, words}, {z, operand(launch, run, 2)});
      } else {
        map<T, 1>(launch, run, RandomForward<T, Rule>{c, words}, {z});
      }
      return;
    } else if constexpr (Rule::saves == Saves::derivative) {
      if (launch.step.operands[3].present()) {
        const View<T> saved = operand(launch, run, 3);
        if (has_bias) {
          map<T, 2>(launch, run, ForwardWithDerivative<T, Rule, 2>{c, saved}, {z, operand(launch, run, 2)});
        } else {
          map<T, 1>(launch, run, ForwardWithDerivative<T, Rule, 1>{c, saved}, {z});
        }
        return;
      }
    }
    if constexpr (!is_random<Rule>(0)) {
      if (has_bias) {
        map<T, 2>(launch, run, ForwardWithBias<T, Rule>{c}, {z, operand(launch, run, 2)});
      } else {
        map<T, 1>(launch, run, Forward<T, Rule>{c}, {z});
      }
    }
  }

  template <class Rule>
  static void unary_backward(const Launch& launch, const Run& run) {
    const T c = static_cast<T>(launch.step.constant);
    const View<T> delta = operand(launch, run, 1), saved = saved_or_delta(launch, run);
    if constexpr (is_random<Rule>(0)) {
      map<T, 2>(launch, run, RandomBackward<T, Rule>{c, StepWords::of(run, launch, launch.step)},
                {delta, saved});
    } else {
      map<T, 2>(launch, run, Backward<T, Rule>{c}, {delta, saved});
    }
  }

  template <class Rule>
  static void binary_forward(const Launch& launch, const Run& run) {
    map<T, 2>(launch, run, BinaryForward<T, Rule>{}, {operand(launch, run, 1), operand(launch, run, 2)});
  }

  template <class Rule>
  static void binary_backward(const Launch& launch, const Run& run) {
    const View<T> delta = operand(launch, run, 1), other = saved_or_delta(launch, run);
    if (launch.step.side == 0) {
      map<T, 2>(launch, run, BinaryBackward<T, Rule, 0>{}, {delta, other});
    } else {
      map<T, 2>(launch, run, BinaryBackward<T, Rule, 1>{}, {delta, other});
    }
  }

  template <class Rule>
  static void reduction_backward(const Launch& launch, const Run& run) {
    map<T, 2>(launch, run, Backward<T, Rule>{static_cast<T>(launch.step.count)},
              {operand(launch, run, 1), saved_or_delta(launch, run)});
  }

  static void log_sum_exp_backward(const Launch& launch, const Run& run) {
    const View<T> saved = operand(launch, run, 3);  // the rows max and inverse
    map<T, 4>(
        launch, run, LogSumExpBackward<T>{},
        {operand(launch, run, 1), operand(launch, run, 2), View<T>{saved.at(0, 0), 0, saved.column_stride},
         View<T>{saved.at(1, 0), 0, saved.column_stride}});
  }

  static void copy(const Launch& launch, const Run& run) {
    map<T, 1>(launch, run, Same<T>{}, {operand(launch, run, 1)});
  }

  static void fill(const Launch& launch, const Run& run) {
    map<T, 0>(launch, run, Constant<T>{static_cast<T>(launch.step.constant)}, {});
  }

  static Launcher find(const Step& step) {
    const Launcher none = nullptr;
    switch (step.kind) {
      case StepKind::unary_forward:
        return visit_unary(step.op, none, [](auto rule) { return Launcher(unary_forward<decltype(rule)>); });
      case StepKind::unary_backward:
        return visit_unary(step.op, none, [](auto rule) { return Launcher(unary_backward<decltype(rule)>); });
      case StepKind::binary_forward:
        return visit_binary(step.op, none,
                            [](auto rule) { return Launcher(binary_forward<decltype(rule)>); });
      case StepKind::binary_backward:
        return visit_binary(step.op, none,
                            [](auto rule) { return Launcher(binary_backward<decltype(rule)>); });
      case StepKind::reduction_backward:
        return visit_reduction(step.op, none,
                               [](auto rule) { return Launcher(reduction_backward<decltype(rule)>); });
      case StepKind::log_sum_exp_backward: return log_sum_exp_backward;
      case StepKind::copy: return copy;
      case StepKind::fill: return fill;
      default: return none;
    }
  }
};

}  // namespace

Launcher find_elementwise(const Step& step, DType dtype) {
  return dtype == DType::float32 ? Elementwise<float>::find(step) : Elementwise<double>::find(step);
}

}  // namespace cuda
}  // namespace chainrule
