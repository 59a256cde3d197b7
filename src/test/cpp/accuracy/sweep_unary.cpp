// The unary operations.
#include <cstdio>

#include "accuracy/engine.h"
#include "accuracy/exact_unary.h"
#include "accuracy/points.h"
#include "accuracy/sweep.h"
#include "ops/op.h"

namespace test {

namespace {

// The constants of a rule that has one.
std::vector<double> constants_of(Op op) {
  switch (op) {
    case Op::scale: return {-1.7, 1e-30, 1e30};
    case Op::leaky_relu: return {0.01, 3};
    case Op::elu: return {1, 0.01, 130};
    case Op::dropout: return {0.1, 0.75};
    default: return {0};
  }
}

template <class T>
struct Exact {
  std::vector<Wide<T>> values;
  std::vector<Derivative<Wide<T>>> derivatives;
};

// Which values a random rule keeps: its result for 1 is not 0. A rule that is not random keeps all.
template <class T>
std::vector<bool> kept(Applied<T>& applied, Op op, size_t count) {
  std::vector<bool> kept(count, true);
  if (!traits_of(op).random) return kept;
  applied.run({std::vector<T>(count, T(1))}, std::vector<T>(count, T(1)));
  for (size_t i = 0; i < count; ++i) kept[i] = applied.value()[i] != 0;
  return kept;
}

template <class T>
void measure(const Engine& engine, Op op, double constant, const std::vector<T>& xs, const Exact<T>& exact,
             Measured& measured) {
  using W = Wide<T>;
  const size_t count = xs.size();
  Applied<T> applied(engine, op, constant, {1}, static_cast<int64_t>(count));
  const std::vector<bool> keeps = kept(applied, op, count);
  const auto where = [&](size_t i, T delta) {
    std::string text = "z = " + digits_of(xs[i]);
    if (constant != 0) text += message(", c = ", constant);
    if (delta != 1) text += message(", δ = ", delta);
    return text + ", " + engine.name;
  };
  for (T delta : deltas<T>()) {
    applied.run({xs}, std::vector<T>(count, delta));
    for (size_t i = 0; i < count; ++i) {
      if (!keeps[i] && !std::isfinite(xs[i])) continue;  // 0 z is NaN
      const T value = applied.value()[i], derivative = applied.derivative()[i];
      if (delta == 1) {
        measured.forward[type_index<T>].add(error_in_ulps(value, keeps[i] ? exact.values[i] : W(0)),
                                            [&] { return where(i, delta); });
      }
      if (std::isnan(xs[i])) {
        if (!std::isnan(derivative) && derivative_keeps_nan(op))
          measured.backward[type_index<T>].add(INFINITY, [&] { return where(i, delta); });
        continue;
      }
      const Derivative<W>& d = exact.derivatives[i];
      if (delta != 1 && out_of_range<T>(d.value)) continue;
      const W factor = keeps[i] ? W(delta) : W(0);
      measured.backward[type_index<T>].add(
          error_in_ulps(derivative, d.value * factor, largest_term<T>(d) * std::abs(factor),
                        std::abs(factor)),
          [&] { return where(i, delta); });
    }
  }
}

template <class T>
void sweep(Effort effort, Results& results) {
  using W = Wide<T>;
  const bool full = effort == Effort::full;
  const std::vector<T> xs = points<T>(full ? 1000000 : 6000, full ? 200 : 3, 1);
  for (int32_t i = 0; i < op_count; ++i) {
    const Op op = static_cast<Op>(i);
    if (kind_of(op) != Kind::unary) continue;
    for (double constant : constants_of(op)) {
      const W c = static_cast<T>(constant);
      Exact<T> exact;
      for (T x : xs) {
        exact.values.push_back(exact_value<W>(op, x, c));
        exact.derivatives.push_back(exact_derivative<W>(op, x, c));
      }
      for (const Engine& engine : engines()) measure(engine, op, constant, xs, exact, results[name_of(op)]);
    }
  }
}

}  // namespace

void sweep_unary(Effort effort, Results& results) {
  sweep<float>(effort, results);
  sweep<double>(effort, results);
}

}  // namespace test
