// Reductions and row-wise operations.
#include "accuracy/compare.h"
#include "accuracy/engine.h"
#include "accuracy/exact_losses.h"
#include "accuracy/sweep.h"
#include "accuracy/vectors.h"

namespace test {

namespace {

template <class T, class R = Wide<T>>
Expected<R> exact_reduction(Op op, const std::vector<T>& x) {
  const int64_t n = static_cast<int64_t>(x.size());
  if (op == Op::log_sum_exp) {
    const Exponentials<R> e = exact_exponentials(x.data(), n);
    const R log = std::log1p(e.others);
    return {e.max + log, e.max < 0 ? std::max(-e.max, log) : R(0),
            std::abs(e.max) < log ? log_allowance<T>(x, e.max) : 0};
  }
  Sum<R> sum;
  for (T v : x) sum.add(op == Op::squared_norm ? static_cast<R>(v) * static_cast<R>(v) : static_cast<R>(v));
  const R divisor = op == Op::mean ? static_cast<R>(n) : R(1);
  return {sum.value() / divisor, sum.term() / divisor};
}

template <class T, class R = Wide<T>>
std::vector<Expected<R>> exact_reduction_derivative(Op op, const std::vector<T>& x) {
  if (op == Op::log_sum_exp) return exact_softmax(x.data(), static_cast<int64_t>(x.size()));
  std::vector<Expected<R>> all;
  for (T v : x) {
    all.push_back({op == Op::squared_norm ? 2 * static_cast<R>(v)
                   : op == Op::mean       ? 1 / static_cast<R>(x.size())
                                          : R(1)});
  }
  return all;
}

template <class T>
void reductions(Effort effort, Results& results) {
  using R = Wide<T>;
  for (const Vector<T>& v : vectors_of_all_sizes<T>(effort == Effort::full, 5)) {
    const int64_t n = static_cast<int64_t>(v.values.size());
    for (Op op : operations()) {
      if (kind_of(op) != Kind::reduction) continue;
      Measured& measured = results[name_of(op)];
      const std::vector<Expected<R>> value = {exact_reduction<T>(op, v.values)};
      const std::vector<Expected<R>> derivative = exact_reduction_derivative<T>(op, v.values);
      for (const Engine& engine : engines()) {
        const std::string where = v.name + ", " + engine.name;
        for (int64_t batch : {1, 3}) {
          Applied<T> applied(engine, op, 0, {n}, batch);
          applied.run({repeated(v.values, batch)}, std::vector<T>(at(batch), T(-0.7)));
          compare<T>(&applied.value().back(), value, R(1), measured.forward[type_index<T>], where);
          compare<T>(&applied.derivative()[at((batch - 1) * n)], derivative, static_cast<R>(T(-0.7)),
                     measured.backward[type_index<T>], where);
        }
      }
    }
  }
}

template <class T>
void softmax(Effort effort, Results& results) {
  using R = Wide<T>;
  Measured& measured = results["softmax"];
  for (const Vector<T>& v : vectors_of_all_sizes<T>(effort == Effort::full, 6)) {
    const int64_t n = static_cast<int64_t>(v.values.size());
    const std::vector<T> delta = random_deltas<T>(n, 3);
    const std::vector<Expected<R>> value = exact_softmax(v.values.data(), n);
    const std::vector<Expected<R>> derivative = exact_softmax_derivative(value, delta.data());
    for (const Engine& engine : engines()) {
      for (int64_t batch : {1, 3}) {
        Applied<T> applied(engine, Op::softmax, 0, {n}, batch);
        applied.run({repeated(v.values, batch)}, repeated(delta, batch));
        const std::string where = v.name + ", " + engine.name;
        const size_t last = at((batch - 1) * n);
        compare<T>(&applied.value()[last], value, R(1), measured.forward[type_index<T>], where);
        compare<T>(&applied.derivative()[last], derivative, R(1), measured.backward[type_index<T>], where);
      }
    }
  }
}

// y_i = w_i n_i + b_i, d_x_i = r (g_i - Σ g / k - n_i Σ g n / k) with g = w δ, d_w_i = δ_i n_i, d_b_i = δ_i (one sample).
template <class T>
struct LayerNormCase {
  using R = Wide<T>;
  std::vector<Expected<R>> value, d_x, d_w, d_b;

  LayerNormCase(const std::vector<T>& x, const std::vector<T>& delta, const std::vector<double>& weight,
                const std::vector<double>& bias, R c) {
    const int64_t count = static_cast<int64_t>(x.size());
    const R k = static_cast<R>(count);
    const Normalised<R> norm = exact_normalised<T>(x.data(), count, c);
    Sum<R> g, gn;
    R g_size = 0, gn_size = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const R g_i = static_cast<R>(static_cast<T>(weight[i])) * static_cast<R>(delta[i]);
      g.add(g_i);
      gn.add(g_i * norm.n[i]);
      g_size += std::abs(g_i) / k;
      gn_size += std::abs(g_i) * norm.term[i] / k;
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const R w = static_cast<T>(weight[i]), b = static_cast<T>(bias[i]), d = delta[i], g_i = w * d;
      value.push_back({w * norm.n[i] + b, std::max(std::abs(w) * norm.term[i], std::abs(b))});
      const R mean_g = g.value() / k, mean_gn = gn.value() / k;
      d_x.push_back({norm.r * (g_i - mean_g - norm.n[i] * mean_gn),
                     norm.r * std::max(std::max(std::abs(g_i), g_size), norm.term[i] * gn_size)});
      d_w.push_back({d * norm.n[i], std::abs(d) * norm.term[i]});
      d_b.push_back({d});
    }
  }
};

template <class T>
void layer_norm(Effort effort, Results& results) {
  using R = Wide<T>;
  Measured& measured = results["layer_norm"];
  for (const Vector<T>& v : vectors_of_all_sizes<T>(effort == Effort::full, 6)) {
    const int64_t n = static_cast<int64_t>(v.values.size());
    Random random(4);
    const std::vector<T> delta = random_deltas<T>(n, 3);
    std::vector<double> weight, bias;
    for (int64_t i = 0; i < n; ++i) {
      weight.push_back(static_cast<T>(random.uniform(-2, 2)));
      bias.push_back(static_cast<T>(random.uniform(-2, 2)));
    }
    for (double c : {static_cast<double>(1e-5f), 0.25}) {
      const LayerNormCase<T> expected(v.values, delta, weight, bias, static_cast<R>(c));
      for (const Engine& engine : engines()) {
        Applied<T> applied(engine, Op::layer_norm, c, {n, n, n}, 1, true, {weight, bias});
        applied.run({v.values}, delta);
        const std::string where = message(v.name, ", c = ", c, ", ", engine.name);
        Worst& backward = measured.backward[type_index<T>];
        compare<T>(applied.value().data(), expected.value, R(1), measured.forward[type_index<T>], where);
        compare<T>(applied.derivative(0).data(), expected.d_x, R(1), backward, "d_x, " + where);
        compare<T>(applied.derivative(1).data(), expected.d_w, R(1), backward, "d_w, " + where);
        compare<T>(applied.derivative(2).data(), expected.d_b, R(1), backward, "d_b, " + where);
      }
    }
  }
}

}  // namespace

void sweep_reductions(Effort effort, Results& results) {
  reductions<float>(effort, results);
  reductions<double>(effort, results);
}

void sweep_rowwise(Effort effort, Results& results) {
  softmax<float>(effort, results);
  softmax<double>(effort, results);
  layer_norm<float>(effort, results);
  layer_norm<double>(effort, results);
}

}  // namespace test
