// Compares ten steps of every optimizer on a network of two layers with the same network written as plain loops in
// double. Updates run inside the products where the plan can do so, or from gradient buffers.
#include <cmath>

#include "graph_builder.h"
#include "harness.h"
#include "optim/rules.h"
#include "plan_run.h"

using namespace test;

namespace {

constexpr int64_t in = 4, hidden = 5, out = 3, batch = 6;
constexpr int parameters = 4;  // the weights and biases of two layers

struct Settings {
  OptimizerSettings rule;
  bool in_product;
};

// The network f = W₂ tanh(W₁ x + b₁) + b₂ with the loss L = Σ (f - y)² / batch, and the optimizers as their papers
// define them.
struct Plain {
  std::vector<double> w[parameters], m[parameters], v[parameters], b[parameters];

  explicit Plain(const std::vector<std::vector<double>>& start) {
    for (size_t p = 0; p < parameters; ++p) {
      w[p] = start[p];
      m[p].assign(w[p].size(), 0);
      v[p].assign(w[p].size(), 0);
      b[p].assign(w[p].size(), 0);
    }
  }

  double step(const std::vector<double>& x, const std::vector<double>& y, double rate, int t,
              const OptimizerSettings& rule) {
    std::vector<double> g[parameters];
    for (size_t p = 0; p < parameters; ++p) g[p].assign(w[p].size(), 0);
    double loss = 0;
    for (int64_t b = 0; b < batch; ++b) {
      double a[hidden], d_a[hidden] = {};
      for (int64_t i = 0; i < hidden; ++i) {
        double z = w[1][at(i)];
        for (int64_t j = 0; j < in; ++j) z += w[0][at(i * in + j)] * x[at(b * in + j)];
        a[i] = std::tanh(z);
      }
      for (int64_t k = 0; k < out; ++k) {
        double f = w[3][at(k)];
        for (int64_t i = 0; i < hidden; ++i) f += w[2][at(k * hidden + i)] * a[i];
        const double e = f - y[at(b * out + k)], d = 2 * e / static_cast<double>(batch);
        loss += e * e / static_cast<double>(batch);
        g[3][at(k)] += d;
        for (int64_t i = 0; i < hidden; ++i) {
          g[2][at(k * hidden + i)] += d * a[i];
          d_a[i] += d * w[2][at(k * hidden + i)];
        }
      }
      for (int64_t i = 0; i < hidden; ++i) {
        const double d = d_a[i] * (1 - a[i] * a[i]);
        g[1][at(i)] += d;
        for (int64_t j = 0; j < in; ++j) g[0][at(i * in + j)] += d * x[at(b * in + j)];
      }
    }
    for (size_t p = 0; p < parameters; ++p) {
      for (size_t i = 0; i < w[p].size(); ++i) {
        update(w[p][i], m[p][i], v[p][i], b[p][i], g[p][i], rate, t, rule);
      }
    }
    return loss;
  }

  static void update(double& w, double& m, double& v, double& b, double g, double rate, int t,
                     const OptimizerSettings& rule) {
    const double decay = rule.get("weight_decay");
    if (rule.kind() == OptimizerKind::sgd) {
      const double momentum = rule.get("momentum");
      g += decay * w;
      m = momentum * m + g;
      w -= rate * (rule.get("nesterov") != 0 ? g + momentum * m : m);
      return;
    }
    if (rule.kind() == OptimizerKind::rmsprop) {
      g += decay * w;
      v = 0.99 * v + 0.01 * g * g;
      m = 0.99 * m + 0.01 * g;
      const double d = g / (std::sqrt(rule.get("centered") != 0 ? v - m * m : v) + 1e-6);
      b = rule.get("momentum") * b + d;
      w -= rate * b;
      return;
    }
    if (rule.kind() == OptimizerKind::adamw) w -= rate * decay * w;
    if (rule.kind() == OptimizerKind::adam) g += decay * w;
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    w -= rate * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.99, t))) + 1e-6);
  }
};

int updates_of(const Plan& plan) {
  int count = 0;
  for (const Step& step : plan.program.steps) count += step.kind == StepKind::update;
  return count;
}

// For weights near 1. The bound for double allows for ten steps with sums of at most 30 terms; the one for float is
// about 2^29 times larger.
template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;

template <class T>
void check(const Settings& settings) {
  Builder b;
  const int32_t x = b.input(in), y = b.target(out);
  const int32_t w1 = b.parameter(hidden, in), b1 = b.parameter(hidden);
  const int32_t w2 = b.parameter(out, hidden), b2 = b.parameter(out);
  const int32_t a = b.op(Op::tanh, {b.product(Op::linear, {x, w1, b1})});
  const int32_t loss = b.op(Op::squared_error, {b.product(Op::linear, {a, w2, b2}), y});
  const Values values = random_values(b.graph, batch, 11);
  const std::vector<int32_t> ids = {w1, b1, w2, b2};

  PlanRequest request;
  request.batch = batch;
  request.loss = loss;
  request.backward = request.update = true;
  request.optimizer = settings.rule;
  PlanRun<T> run(b.graph, request, values, updates_in_products(settings.in_product));
  const InProduct direct = in_product(settings.rule);
  if (settings.in_product && direct.possible) {
    CHECK(run.plan().notes.empty());
    CHECK(updates_of(run.plan()) == (direct.state < 0 ? 0 : parameters));
  } else {
    CHECK(updates_of(run.plan()) == parameters);
  }
  Plain plain({values[at(w1)], values[at(b1)], values[at(w2)], values[at(b2)]});
  for (int t = 1; t <= 10; ++t) {
    const double rate = t < 6 ? 0.03 : 0.01;  // the rate changes, the plan stays
    run.update = scalars(settings.rule, t, rate, 0.99, 1e-6);
    run.forward();
    const double expected = plain.step(values[at(x)], values[at(y)], rate, t, settings.rule);
    CHECK_NEAR(run.loss(), expected, tolerance<T> * 10);  // the loss is about 10
    run.backward();
    for (size_t p = 0; p < parameters; ++p) {
      const std::vector<T> w = run.parameter(ids[p]);
      for (size_t i = 0; i < w.size(); ++i) CHECK_NEAR(w[i], plain.w[p][i], tolerance<T>);
    }
  }
}

}  // namespace

TEST(optimizers_agree_with_plain_loops) {
  const std::vector<OptimizerSettings> rules = {
      sgd(),
      sgd(0, false, 0.2),
      sgd(0.9),
      sgd(0.9, false, 0.2),
      sgd(0.9, true, 0),
      sgd(0.9, true, 0.2),
      adam(),
      adam(0.2),
      adamw(0.2),
      rmsprop(),
      rmsprop(0, false, 0.2),
      rmsprop(0, true),
      rmsprop(0.9),
      rmsprop(0.9, true),
      rmsprop(0.9, true, 0.2),
  };
  for (const OptimizerSettings& rule : rules) {
    for (bool in_product : {true, false}) {
      check<double>({rule, in_product});
      check<float>({rule, in_product});
    }
  }
}

// The gradients are 10⁴ ± 1. In float, v - m² would lose their variance, because it is smaller than the rounding error
// of v = 10⁸.
TEST(rmsprop_centered_keeps_a_small_variance) {
  UpdateScalars by;
  by.settings[Rmsprop::alpha] = 0.99;
  by.settings[Rmsprop::epsilon] = 1e-8;
  const Rmsprop::Scalars<float> scalars(by);
  Random random(4);
  float w = 0, state[Rmsprop::state_count] = {};
  long double v = 0, m = 0;
  for (int t = 0; t < 3000; ++t) {
    const float g = static_cast<float>(1e4 + random.uniform(-1, 1));
    Rmsprop::update<Rmsprop::always | Rmsprop::with_mean>(w, state, g, scalars);
    v = 0.99L * v + 0.01L * g * g;
    m = 0.99L * m + 0.01L * g;
    if (t < 2500) continue;
    const double variance = static_cast<double>(v - m * m);
    CHECK_NEAR(static_cast<double>(state[0]), variance, 0.02 * variance);
  }
}
