// Compares every operation's value with the plain reference, in float and double, at sizes with and without padding.
// Also tests extreme values: very small, very large, infinite and NaN.
#include <cmath>
#include <limits>

#include "cases.h"
#include "harness.h"
#include "reference.h"

using namespace test;

namespace {

// Relative to the largest value of the node, because the error of a sum is that of its largest term. float: 2^-23 =
// 1.2e-7 per operation, for a dozen operations in a chain with sums of at most 170 terms. double: the same with
// 2.2e-16.
template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;

template <class T>
void compare(const GraphCase& c, int64_t batch) {
  const Values values = random_values(c.graph, batch, 3);
  const Reference reference(c.graph, batch, values);
  PlanRequest request;
  request.batch = batch;
  request.loss = c.loss;
  for (int32_t id = 0; id < c.graph.size(); ++id) {
    if (c.graph.node(id).op != Op::label) request.outputs.push_back(id);
  }
  PlanRun<T> run(c.graph, request, values);
  run.forward();
  for (size_t i = 0; i < request.outputs.size(); ++i) {
    const std::vector<double>& expected = reference.value(request.outputs[i]);
    double scale = 1e-30, worst = 0;
    for (double x : expected) scale = std::max(scale, std::abs(x));
    for (size_t k = 0; k < expected.size(); ++k) {
      const double error = std::abs(static_cast<double>(run.output(i)[k]) - expected[k]) / scale;
      if (!(error <= worst)) worst = error;
    }
    if (!(worst <= tolerance<T>)) {
      fail(c.name.c_str(), static_cast<int>(batch),
           message(c.graph.describe(request.outputs[i]), ", relative error ", worst));
    }
  }
  const double loss = reference.value(c.loss)[0];
  if (!(std::abs(run.loss() - loss) <= tolerance<T> * std::max(std::abs(loss), 1.0))) {
    fail(c.name.c_str(), static_cast<int>(batch), message("the loss is ", run.loss(), ", expected ", loss));
  }
}

constexpr double inf = std::numeric_limits<double>::infinity();

// Returns the value of a unary operation or a reduction at each x. Each x is a sample of one feature.
template <class T>
std::vector<T> apply(Op op, const std::vector<double>& xs) {
  Builder b;
  const int32_t x = b.input(1);
  const int32_t y = b.op(op, {x}, constant_of(op));
  PlanRequest request;
  request.batch = static_cast<int64_t>(xs.size());
  request.outputs = {y};
  Values values(at(b.graph.size()));
  values[at(x)] = xs;
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  return run.output(0);
}

template <class T>
void check_extremes() {
  const double tiny = static_cast<double>(std::numeric_limits<T>::denorm_min());
  const double small = static_cast<double>(std::numeric_limits<T>::min());
  const double huge = static_cast<double>(std::numeric_limits<T>::max());
  const std::vector<double> xs = {0,   -0.0, tiny, -tiny, small, -small, 1e-10, -1e-10, 1,     -1,  20,
                                  -20, 85,   -85,  700,   -700,  1e10,   -1e10, huge,   -huge, inf, -inf};
  for (Op op : operations()) {
    if (kind_of(op) != Kind::unary) continue;
    const std::vector<T> got = apply<T>(op, xs);
    Builder b;
    const int32_t x = b.input(1);
    const int32_t y = b.op(op, {x}, constant_of(op));
    const Reference reference(b.graph, static_cast<int64_t>(xs.size()), {xs, {}});
    for (size_t i = 0; i < xs.size(); ++i) {
      const double expected = reference.value(y)[i];
      // The result may be infinite only if the exact value rounds to infinity. Errors below the smallest normal number
      // are relative to that: gelu and silu of large negative numbers are 0 or subnormal.
      const T rounded = static_cast<T>(expected);
      const double scale = std::max(std::abs(expected), small);
      const bool right = std::isnan(expected)  ? std::isnan(got[i])
                         : std::isinf(rounded) ? got[i] == rounded
                                               : std::abs(static_cast<double>(got[i]) - expected) <=
                                                     scale * 16 * std::numeric_limits<T>::epsilon();
      if (!right)
        fail(name_of(op), static_cast<int>(sizeof(T)),
             message("at ", xs[i], ": got ", got[i], ", expected ", expected));
      if (got[i] == 0 && std::signbit(got[i])) fail(name_of(op), 0, message("returns -0 at ", xs[i]));
    }
    for (T v : apply<T>(op, std::vector<double>(37, NAN))) {
      if (!std::isnan(v)) fail(name_of(op), 0, "does not return NaN for NaN");
    }
  }
}

}  // namespace

TEST(values_of_every_operation) {
  for (Op op : operations()) {
    for (const GraphCase& c : cases_of(op)) {
      for (int64_t batch : {1, 2, 7, 16, 33, 65}) {
        compare<float>(c, batch);
        compare<double>(c, batch);
      }
    }
    for (const GraphCase& c : cases_of(op, true)) {
      compare<float>(c, 1001);
      compare<double>(c, 1001);
    }
  }
  for (const GraphCase& c : composite_cases()) {
    for (int64_t batch : {1, 33}) {
      compare<float>(c, batch);
      compare<double>(c, batch);
    }
  }
}

TEST(elementwise_values_of_extreme_operands) {
  check_extremes<float>();
  check_extremes<double>();
}

// Logits that would overflow a plain exp, infinite logits, and NaN.
TEST(row_wise_values_of_extreme_operands) {
  Builder b;
  const int32_t x = b.input(3);
  PlanRequest request;
  request.batch = 5;
  request.outputs = {b.op(Op::softmax, {x}), b.op(Op::log_sum_exp, {x}), b.op(Op::sum, {x})};
  Values values(at(b.graph.size()));
  values[at(x)] = {1e38, 0, 1e38, -1e38, -1e38, -1e38, -inf, 0, 0, 1, NAN, 2, inf, 0, 1};
  PlanRun<float> run(b.graph, request, values);
  run.forward();
  const std::vector<float>&p = run.output(0), &s = run.output(1);
  const float expected[9] = {0.5f, 0, 0.5f, 1 / 3.0f, 1 / 3.0f, 1 / 3.0f, 0, 0.5f, 0.5f};
  for (size_t i = 0; i < 9; ++i) CHECK_NEAR(p[i], expected[i], 1e-7);  // one rounding
  for (size_t i = 9; i < 12; ++i) CHECK(std::isnan(p[i]));
  const float of_infinity[3] = {1, 0, 0};  // the limit
  for (size_t i = 0; i < 3; ++i) CHECK(p[12 + i] == of_infinity[i]);
  CHECK_NEAR(s[0] / 1e38f, 1, 1e-6);
  CHECK_NEAR(s[1] / -1e38f, 1, 1e-6);
  CHECK_NEAR(s[2], std::log(2.0), 1e-6);
  CHECK(std::isnan(s[3]));
  CHECK(s[4] == static_cast<float>(inf));
  CHECK(std::isnan(run.output(2)[3]));
}

// A loss is NaN if a prediction is NaN, and it does not overflow for large logits.
TEST(losses_of_extreme_predictions) {
  for (Op op : operations()) {
    if (kind_of(op) != Kind::loss) continue;
    Builder b;
    const int32_t f = b.input(2), y = b.target(2);
    const int32_t loss = b.op(op, {f, y}, constant_of(op));
    PlanRequest request;
    request.loss = loss;
    request.batch = 3;
    Values values(at(b.graph.size()));
    values[at(y)] = {1, 0, 0.5, 0.5, 1, 0};
    values[at(f)] = {0.25, 0.5, NAN, 0.5, 0.5, 0.5};
    PlanRun<float> run(b.graph, request, values);
    run.forward();
    if (!std::isnan(run.loss())) fail(name_of(op), 0, message("NaN became ", run.loss()));
    if (op != Op::softmax_cross_entropy && op != Op::binary_cross_entropy) continue;
    values[at(y)] = {1, 0, 0, 1, 1, 0};
    values[at(f)] = {1e30, -1e30, -1e30, 1e30, 1e30, -1e30};  // all right, with large logits
    run.set(values);
    run.forward();
    CHECK(run.loss() == 0);
    values[at(f)] = {-3e30, 3e30, -1e30, 1e30, 1e30, -1e30};  // the first is wrong
    run.set(values);
    run.forward();
    CHECK_NEAR(run.loss() / 1e30, op == Op::softmax_cross_entropy ? 2.0 : 1.0, 1e-6);
  }
}

// The deviations from the mean are exact: subtracting 10⁶ leaves the lower bits of the values' 24 bits.
TEST(layer_norm_of_values_far_from_zero) {
  const int64_t batch = 40;
  for (int64_t features : {2, 7, 300}) {
    for (double offset : {0.0, 1e6, -1e6, 1.5e7}) {
      Builder b;
      const int32_t x = b.input(features);
      PlanRequest request;
      request.batch = batch;
      request.outputs = {b.op(Op::layer_norm, {x}, 1e-5)};
      Values values = random_values(b.graph, batch, 5);
      for (double& v : values[at(x)]) v = static_cast<float>(offset + std::round(v * 64) / 4);
      const Reference reference(b.graph, batch, values);
      PlanRun<float> run(b.graph, request, values);
      run.forward();
      const std::vector<double>& expected = reference.value(request.outputs[0]);
      for (size_t i = 0; i < expected.size(); ++i) CHECK_NEAR(run.output(0)[i], expected[i], 2e-6);
    }
  }
}

// If all features are equal, the variance is 0. There must be no division by 0.
TEST(layer_norm_of_equal_values_is_0) {
  Builder b;
  const int32_t x = b.input(5);
  PlanRequest request;
  request.batch = 3;
  request.outputs = {b.op(Op::layer_norm, {x}, 1e-5)};
  Values values = random_values(b.graph, 3, 5);
  for (double& v : values[at(x)]) v = static_cast<float>(1e6 + 0.1);
  PlanRun<float> run(b.graph, request, values);
  run.forward();
  for (float y : run.output(0)) CHECK(y == 0);
}
