// Leaves, matrix products, binary operations and operations that rearrange or combine features.
#include "accuracy/compare.h"
#include "accuracy/engine.h"
#include "accuracy/points.h"
#include "accuracy/sweep.h"
#include "accuracy/vectors.h"

namespace test {

namespace {

// The operands of a binary operation: numbers of all exponents, each with a number of any, of the same and of almost the
// same magnitude.
template <class T>
void make_pairs(bool full, std::vector<T>& a, std::vector<T>& b) {
  const std::vector<T> xs = points<T>(full ? 200000 : 1000, full ? 20 : 2, 21);
  Random random(22);
  for (T x : xs) {
    const T near = x * static_cast<T>(random.uniform(-2, 2));
    for (T y : {xs[at(random.below(static_cast<int64_t>(xs.size())))], near, -std::nextafter(x, T(0)), x,
                T(0), -T(0)}) {
      a.push_back(x);
      b.push_back(y);
    }
  }
}

template <class T>
void binary(Effort effort, Results& results) {
  using W = Wide<T>;
  std::vector<T> a, b;
  make_pairs(effort == Effort::full, a, b);
  for (Op op : operations()) {
    if (kind_of(op) != Kind::binary) continue;
    Measured& measured = results[name_of(op)];
    for (const Engine& engine : engines()) {
      Applied<T> applied(engine, op, 0, {1, 1}, static_cast<int64_t>(a.size()));
      for (T delta : deltas<T>()) {
        applied.run({a, b}, std::vector<T>(a.size(), delta));
        for (size_t i = 0; i < a.size(); ++i) {
          const W x = a[i], y = b[i], d = delta;
          const auto where = [&] {
            return message("a = ", digits_of(a[i]), ", b = ", digits_of(b[i]), ", ", engine.name);
          };
          const W value = op == Op::add ? x + y : op == Op::subtract ? x - y : x * y;
          measured.forward[type_index<T>].add(error_in_ulps(applied.value()[i], value), where);
          const W d_a = op == Op::multiply ? y * d : d;
          const W d_b = op == Op::multiply ? x * d : op == Op::subtract ? -d : d;
          measured.backward[type_index<T>].add(error_in_ulps(applied.derivative(0)[i], d_a), where);
          measured.backward[type_index<T>].add(error_in_ulps(applied.derivative(1)[i], d_b), where);
        }
      }
    }
  }
}

template <class T>
void leaves(Results& results) {
  const std::vector<T> xs = points<T>(100, 1, 23);
  const int64_t n = static_cast<int64_t>(xs.size());
  const std::vector<double> values(xs.begin(), xs.end());
  std::vector<double> finite;
  for (double x : values) finite.push_back(std::isfinite(x) ? x : 1);
  Builder b;
  const int32_t ids[] = {b.input(n), b.target(n), b.parameter(n), b.graph.constant("", n, 1, finite)};
  PlanRequest request;
  request.outputs.assign(ids, ids + 4);
  for (const Engine& engine : engines()) {
    PlanRun<T> run(b.graph, request, {values, values, values, {}}, steps_apart(), *engine.backend);
    run.poison_all();
    const Context context = run.context();
    engine.run(run.plan().program, context);
    for (size_t leaf = 0; leaf < 4; ++leaf) {
      Worst& worst = results[name_of(b.graph.node(ids[leaf]).op)].forward[type_index<T>];
      for (size_t i = 0; i < xs.size(); ++i) {
        const T expected = static_cast<T>(leaf == 3 ? finite[i] : values[i]);
        worst.add(error_in_ulps(run.output(leaf)[i], static_cast<Wide<T>>(expected)),
                  [&] { return digits_of(xs[i]); });
      }
    }
  }
}

// y = W x + b for a batch, with d_x, d_W and d_b. The CPU engine's products come from the BLAS or from its tile kernel.
template <class T>
void products(Effort effort, Results& results) {
  using R = Wide<T>;
  for (Op op : {Op::linear, Op::matmul}) {
    for (int64_t k : effort == Effort::full ? std::vector<int64_t>{1, 2, 7, 64, 300, 1000}
                                            : std::vector<int64_t>{1, 7, 300}) {
      for (const Vector<T>& v : vectors<T>(k, 31)) {
        const int64_t batch = 5, m = 3;
        Random random(32);
        const auto numbers = [&](int64_t count) {
          std::vector<double> all;
          for (int64_t i = 0; i < count; ++i) all.push_back(static_cast<T>(random.uniform(-2, 2)));
          return all;
        };
        const std::vector<double> weight = numbers(m * k), bias = numbers(m), delta = numbers(batch * m);
        Builder b;
        const int32_t x = b.input(k), w = b.parameter(m, k);
        std::vector<int32_t> operands = {x, w};
        if (op == Op::linear) operands.push_back(b.parameter(m));
        const int32_t y = b.product(op, operands);
        Values values(at(b.graph.size()));
        for (int64_t s = 0; s < batch; ++s) {
          for (T value : v.values)
            values[at(x)].push_back(
                static_cast<T>(static_cast<double>(value) * (1 + 0.1 * static_cast<double>(s))));
        }
        values[at(w)] = weight;
        if (op == Op::linear) values[at(operands[2])] = bias;
        PlanRequest request;
        request.batch = batch;
        request.outputs = {y};
        request.loss = y;
        request.backward = request.seeded = true;
        request.deltas = operands;
        std::vector<Expected<R>> value, d_x, d_w, d_b;
        const auto product = [](int64_t count, auto p, auto q, R first) {
          Sum<R> sum;
          sum.add(first);
          for (int64_t i = 0; i < count; ++i) sum.add(static_cast<R>(p(i)) * static_cast<R>(q(i)));
          return Expected<R>{sum.value(), sum.term()};
        };
        const std::vector<double>& in = values[at(x)];
        for (int64_t s = 0; s < batch; ++s) {
          for (int64_t r = 0; r < m; ++r) {
            value.push_back(product(
                k, [&](int64_t i) { return in[at(s * k + i)]; },
                [&](int64_t i) { return weight[at(r * k + i)]; },
                op == Op::linear ? static_cast<R>(bias[at(r)]) : R(0)));
          }
          for (int64_t i = 0; i < k; ++i) {
            d_x.push_back(product(
                m, [&](int64_t r) { return delta[at(s * m + r)]; },
                [&](int64_t r) { return weight[at(r * k + i)]; }, R(0)));
          }
        }
        for (int64_t r = 0; r < m; ++r) {
          const auto d = [&](int64_t s) { return delta[at(s * m + r)]; };
          for (int64_t i = 0; i < k; ++i) {
            d_w.push_back(product(
                batch, d, [&](int64_t s) { return in[at(s * k + i)]; }, R(0)));
          }
          d_b.push_back(product(
              batch, d, [](int64_t) { return 1; }, R(0)));
        }
        std::vector<T> seed(delta.begin(), delta.end());
        Measured& measured = results[name_of(op)];
        for (const Engine& engine : engines()) {
          PlanRun<T> run(b.graph, request, values, steps_apart(), *engine.backend);
          run.poison_all();
          Context context = run.context();
          void* inputs[] = {context.inputs[0], seed.data()};
          context.inputs = inputs;
          engine.run(run.plan().program, context);
          const std::string where = message("k = ", k, ", ", v.name, ", ", engine.name);
          compare<T>(run.output(0).data(), value, R(1), measured.forward[type_index<T>], where);
          Worst& backward = measured.backward[type_index<T>];
          compare<T>(run.output(1).data(), d_x, R(1), backward, "d_x, " + where);
          compare<T>(run.output(2).data(), d_w, R(1), backward, "d_w, " + where);
          if (op == Op::linear) compare<T>(run.output(3).data(), d_b, R(1), backward, "d_b, " + where);
        }
      }
    }
  }
}

// The values and the derivative of degree-2 features.
template <class T>
void polynomial(const Engine& engine, const Vector<T>& v, Measured& measured) {
  using R = Wide<T>;
  const int64_t n = static_cast<int64_t>(v.values.size());
  const auto x = [&](int64_t i) { return static_cast<R>(v.values[at(i)]); };
  std::vector<Expected<R>> value;
  for (int64_t i = 0; i < n; ++i) value.push_back({x(i)});
  for (int64_t i = 0; i < n; ++i) value.push_back({x(i) * x(i)});
  std::vector<std::pair<int64_t, int64_t>> factors;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) {
      value.push_back({x(i) * x(j)});
      factors.push_back({i, j});
    }
  }
  const std::vector<T> delta = random_deltas<T>(static_cast<int64_t>(value.size()), 7);
  std::vector<Sum<R>> sums(at(n));
  for (int64_t i = 0; i < n; ++i) {
    sums[at(i)].add(delta[at(i)]);
    sums[at(i)].add(2 * x(i) * static_cast<R>(delta[at(n + i)]));
  }
  for (size_t p = 0; p < factors.size(); ++p) {
    const R d = delta[at(2 * n) + p];
    sums[at(factors[p].first)].add(x(factors[p].second) * d);
    sums[at(factors[p].second)].add(x(factors[p].first) * d);
  }
  std::vector<Expected<R>> derivative;
  for (const Sum<R>& sum : sums) derivative.push_back({sum.value(), sum.term()});
  Applied<T> applied(engine, Op::polynomial_features, 0, {n}, 1);
  applied.run({v.values}, delta);
  const std::string where = v.name + ", " + engine.name;
  compare<T>(applied.value().data(), value, R(1), measured.forward[type_index<T>], where);
  compare<T>(applied.derivative().data(), derivative, R(1), measured.backward[type_index<T>], where);
}

// Σ over the batch / batch, of one feature.
template <class T>
void batch_mean(const Engine& engine, const Vector<T>& v, Measured& measured) {
  using R = Wide<T>;
  const int64_t batch = static_cast<int64_t>(v.values.size());
  Sum<R> sum;
  for (T x : v.values) sum.add(x);
  const R n = static_cast<R>(batch);
  Applied<T> applied(engine, Op::batch_mean, 0, {1}, batch);
  applied.run({v.values}, {T(-0.7)});
  const std::string where = v.name + ", " + engine.name;
  compare<T>(applied.value().data(), std::vector<Expected<R>>{{sum.value() / n, sum.term() / n}}, R(1),
             measured.forward[type_index<T>], where);
  compare<T>(applied.derivative().data(), std::vector<Expected<R>>(at(batch), {static_cast<R>(T(-0.7)) / n}),
             R(1), measured.backward[type_index<T>], where);
}

// concat and slice copy: y = concat(x, x) and y = x[1 .. n).
template <class T>
void copies(const Engine& engine, const std::vector<T>& xs, Results& results) {
  using R = Wide<T>;
  const int64_t n = static_cast<int64_t>(xs.size());
  std::vector<Expected<R>> value, derivative(at(n), {1});
  for (int copy = 0; copy < 2; ++copy) {
    for (T x : xs) value.push_back({x});
  }
  Applied<T> concat(engine, Op::concat, 0, {n, n}, 1);
  concat.run({xs, xs}, std::vector<T>(at(2 * n), T(1)));
  Measured& of_concat = results["concat"];
  compare<T>(concat.value().data(), value, R(1), of_concat.forward[type_index<T>], engine.name);
  compare<T>(concat.derivative(1).data(), derivative, R(1), of_concat.backward[type_index<T>], engine.name);

  Builder b;
  const int32_t x = b.input(n), part = b.slice(x, 1, n);
  PlanRequest request;
  request.outputs = {part};
  request.loss = part;
  request.backward = request.seeded = true;
  request.deltas = {x};
  PlanRun<T> run(b.graph, request, {std::vector<double>(xs.begin(), xs.end()), {}}, steps_apart(),
                 *engine.backend);
  run.poison_all();
  std::vector<T> ones(at(n - 1), T(1));
  Context context = run.context();
  void* inputs[] = {context.inputs[0], ones.data()};
  context.inputs = inputs;
  engine.run(run.plan().program, context);
  Measured& of_slice = results["slice"];
  derivative[0] = {0};
  value.erase(value.begin());
  value.resize(at(n - 1));
  compare<T>(run.output(0).data(), value, R(1), of_slice.forward[type_index<T>], engine.name);
  compare<T>(run.output(1).data(), derivative, R(1), of_slice.backward[type_index<T>], engine.name);
}

template <class T>
void structure(Effort effort, Results& results) {
  const bool full = effort == Effort::full;
  for (const Engine& engine : engines()) {
    copies<T>(engine, points<T>(100, 1, 41), results);
    for (int64_t n : {1, 2, 5, 20}) {
      for (const Vector<T>& v : vectors<T>(n, 42)) polynomial(engine, v, results["polynomial_features"]);
    }
    for (int64_t n :
         full ? std::vector<int64_t>{1, 2, 33, 1000, 100000} : std::vector<int64_t>{1, 2, 33, 5000}) {
      for (const Vector<T>& v : vectors<T>(n, 43)) batch_mean(engine, v, results["batch_mean"]);
    }
  }
}

}  // namespace

void sweep_leaves(Effort, Results& results) {
  leaves<float>(results);
  leaves<double>(results);
}

void sweep_products(Effort effort, Results& results) {
  products<float>(effort, results);
  products<double>(effort, results);
}

void sweep_binary(Effort effort, Results& results) {
  binary<float>(effort, results);
  binary<double>(effort, results);
}

void sweep_structure(Effort effort, Results& results) {
  structure<float>(effort, results);
  structure<double>(effort, results);
}

}  // namespace test
