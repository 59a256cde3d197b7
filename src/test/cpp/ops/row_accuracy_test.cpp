// The accuracy of row-wise rules, reductions and the losses of class labels: long rows, large values, terms that cancel,
// infinities and NaN. The expected values are computed in long double.
#include <cmath>
#include <limits>

#include "graph_builder.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// Checks that the error of `got` is at most `most` ulp of `unit`, the magnitude of the formula's largest term.
template <class T>
void check_ulp(const char* what, T got, long double exact, long double unit, double most = 8) {
  const long double ulp = std::ldexp(1.0L, std::ilogb(std::abs(unit)) + 1 - std::numeric_limits<T>::digits);
  const double error = static_cast<double>(std::abs(static_cast<long double>(got) - exact) / ulp);
  if (!(error <= most)) {
    fail(what, static_cast<int>(sizeof(T)), message("got ", got, ", expected ", exact, ": ", error, " ulp"));
  }
}

// The values and the derivatives of an operation for one or several rows of equal length.
template <class T>
struct Result {
  std::vector<T> values, derivatives;
};

// Returns op(x) and the gradient of Σ δ op(x). `x` has `batch` rows. `delta` has a value per element of the result.
template <class T>
Result<T> run_op(Op op, const std::vector<double>& x, const std::vector<double>& delta, int64_t batch = 1) {
  Builder b;
  const int64_t features = static_cast<int64_t>(x.size()) / batch;
  const int32_t in = b.input(features);
  const int32_t out = b.op(op, {in}, op == Op::layer_norm ? 1e-5 : 0);
  const int32_t factors = b.input(static_cast<int64_t>(delta.size()) / batch);
  const int32_t sum = b.op(Op::sum, {b.op(Op::batch_mean, {b.op(Op::multiply, {out, factors})})});
  PlanRequest request;
  request.batch = batch;
  request.outputs = {out};
  request.loss = b.op(Op::scale, {sum}, static_cast<double>(batch));
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(in)] = x;
  values[at(factors)] = delta;
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  run.backward();
  return {run.output(0), run.gradient(in)};
}

// Returns the loss of the rows of x and its gradient. All rows have the label `label`.
template <class T>
Result<T> run_loss(Op op, const std::vector<double>& x, int64_t label, int64_t batch = 1) {
  Builder b;
  const int64_t features = static_cast<int64_t>(x.size()) / batch;
  const int32_t in = b.input(features), y = b.label(features);
  PlanRequest request;
  request.batch = batch;
  request.loss = b.op(op, {in, y});
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(in)] = x;
  values[at(y)].assign(at(batch), static_cast<double>(label));
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  const T loss = static_cast<T>(run.loss());
  run.backward();
  return {{loss}, run.gradient(in)};
}

// Returns the loss of one row with a target distribution, and its gradients: that of x, then that of y.
template <class T>
Result<T> run_cross_entropy(const std::vector<double>& x, const std::vector<double>& y) {
  Builder b;
  const int32_t in = b.input(static_cast<int64_t>(x.size())),
                target = b.input(static_cast<int64_t>(x.size()));
  PlanRequest request;
  request.batch = 1;
  request.loss = b.op(Op::softmax_cross_entropy, {in, target});
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(in)] = x;
  values[at(target)] = y;
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  const T loss = static_cast<T>(run.loss());
  run.backward();
  std::vector<T> gradients = run.gradient(in);
  for (T d : run.gradient(target)) gradients.push_back(d);
  return {{loss}, gradients};
}

template <class T>
void check_log_sum_exp() {
  for (double v : {0.0, 1e4, 1e6, 1e30, -1e30}) {
    const Result<T> of_equal = run_op<T>(Op::log_sum_exp, {v, v}, {1});
    for (T d : of_equal.derivatives) CHECK(d == T(0.5));
    check_ulp("log_sum_exp", of_equal.values[0], static_cast<long double>(static_cast<T>(v)) + std::log(2.0L),
              std::abs(v) + 1);
  }
  const T tiny = run_op<T>(Op::log_sum_exp, {0, -40}, {1}).values[0];
  check_ulp("log_sum_exp", tiny, std::log1p(std::exp(-40.0L)), std::exp(-40.0L));
}

template <class T>
void check_infinities() {
  struct {
    double x[2], lse, share;  // and the share of x[0]
  } const cases[] = {
      {{inf, 0}, inf, 1}, {{-inf, -inf}, -inf, 0.5}, {{inf, inf}, inf, 0.5}, {{-inf, 0}, 0, 0}};
  for (const auto& c : cases) {
    const std::vector<double> x(c.x, c.x + 2);
    const Result<T> lse = run_op<T>(Op::log_sum_exp, x, {1}), softmax = run_op<T>(Op::softmax, x, {1, 1});
    CHECK(lse.values[0] == static_cast<T>(c.lse));
    for (const std::vector<T>& share : {lse.derivatives, softmax.values}) {
      CHECK(share[0] == static_cast<T>(c.share));
      CHECK(share[1] == static_cast<T>(1 - c.share));
    }
  }
  const Result<T> right = run_loss<T>(Op::softmax_cross_entropy, {inf, 0}, 0),
                  wrong = run_loss<T>(Op::softmax_cross_entropy, {inf, 0}, 1);
  CHECK(right.values[0] == 0);
  CHECK(right.derivatives[0] == 0);
  CHECK(wrong.values[0] == static_cast<T>(inf));
  for (Op op : {Op::log_sum_exp, Op::softmax}) {
    for (const std::vector<double>& x : {std::vector<double>{inf, NAN}, {NAN, -inf}}) {
      CHECK(std::isnan(run_op<T>(op, x, std::vector<double>(op == Op::softmax ? 2 : 1, 1)).values[0]));
    }
  }
}

template <class T>
void check_probability_near_1() {
  const long double e = std::exp(-20.0L);
  const Result<T> label = run_loss<T>(Op::softmax_cross_entropy, {20, 0}, 0);
  check_ulp("loss", label.values[0], std::log1p(e), e);
  check_ulp("d of the label", label.derivatives[0], -e / (1 + e), e);
  check_ulp("d of the other", label.derivatives[1], e / (1 + e), e);
  const Result<T> target = run_cross_entropy<T>({20, 0}, {1, 0});
  check_ulp("loss of a target", target.values[0], std::log1p(e), e);
  check_ulp("d of a target's logit", target.derivatives[0], -e / (1 + e), e);
  check_ulp("d of the target", target.derivatives[2], std::log1p(e), e);
}

// Logits whose sum in sequence has a large error: nearly equal ones, and a large one before many small ones.
template <class T>
void check_long_rows() {
  const int64_t n = 100000;
  for (double rest : {-1.85e-6, -9.3}) {
    std::vector<double> x(at(n), static_cast<double>(static_cast<T>(rest))), delta(at(n), 0.75);
    x[0] = 0;
    const long double e = std::exp(static_cast<long double>(x[1])), s = 1 + (n - 1) * e;
    const Result<T> softmax = run_op<T>(Op::softmax, x, delta);
    long double sum = 0;
    for (T p : softmax.values) sum += p;
    CHECK_NEAR(sum, 1, 8 * std::numeric_limits<T>::epsilon());
    check_ulp("softmax", softmax.values[0], 1 / s, 1 / s);
    check_ulp("softmax", softmax.values[1], e / s, e / s);
    check_ulp("d softmax", softmax.derivatives[0], 0, 0.75L / s, 16);
    const Result<T> lse = run_op<T>(Op::log_sum_exp, x, {1});
    check_ulp("log_sum_exp", lse.values[0], std::log(s), std::log(s));
    check_ulp("d log_sum_exp", lse.derivatives[1], e / s, e / s);
    const Result<T> loss = run_loss<T>(Op::softmax_cross_entropy, x, 0);
    check_ulp("loss", loss.values[0], std::log(s), std::log(s));
    check_ulp("d of the label", loss.derivatives[0], (1 - s) / s, 1);
    check_ulp("d of another", loss.derivatives[1], e / s, e / s);
  }
}

template <class T>
void check_distant_logits() {
  const T low = T(-40.3), high = T(40.1);
  const Result<T> softmax = run_op<T>(Op::softmax, {double(low), double(high)}, {1, 0});
  const long double e = std::exp(static_cast<long double>(low) - static_cast<long double>(high));
  check_ulp("softmax", softmax.values[0], e / (1 + e), e, 4);
}

// Sums of equal values, along one contiguous row and down several columns.
template <class T>
void check_long_sums() {
  const int64_t n = 100000;
  const long double v = static_cast<T>(0.1), count = n;
  for (int64_t batch : {1, 3}) {
    const std::vector<double> x(at(n * batch), static_cast<double>(v)), delta(at(batch), 1);
    check_ulp("sum", run_op<T>(Op::sum, x, delta, batch).values[0], count * v, count * v);
    check_ulp("mean", run_op<T>(Op::mean, x, delta, batch).values[0], v, v);
    check_ulp("squared_norm", run_op<T>(Op::squared_norm, x, delta, batch).values[0], count * v * v,
              count * v * v);
  }
  std::vector<double> x(at(n), 0);
  x[0] = 1;
  std::vector<double> delta(at(n), 0.1);
  const long double m = 1 / count, r = 1 / std::sqrt(m - m * m + 1e-5L);
  const Result<T> norm = run_op<T>(Op::layer_norm, x, delta);
  check_ulp("layer_norm", norm.values[0], (1 - m) * r, (1 - m) * r);
  check_ulp("layer_norm", norm.values[1], -m * r, m * r);
  check_ulp("d layer_norm", norm.derivatives[1], 0, 0.1L * r);
}

template <class T>
void check_no_overflow() {
  const double huge = static_cast<double>(std::numeric_limits<T>::max()) * 0.75;
  for (int64_t batch : {1, 2}) {
    const std::vector<double> x(at(80 * batch), huge), delta(at(batch), 0.125);
    const Result<T> mean = run_op<T>(Op::mean, x, delta, batch),
                    norm = run_op<T>(Op::squared_norm, x, delta, batch);
    CHECK(mean.values[0] == static_cast<T>(huge));
    CHECK(norm.derivatives[0] == static_cast<T>(huge / 4));
  }
}

template <class T>
void check_negative_log_likelihood() {
  const T p = std::numeric_limits<T>::min() / 8;
  const Result<T> tiny = run_loss<T>(Op::negative_log_likelihood,
                                     {0.5, double(p), 0.5, double(p), 0.5, double(p), 0.5, double(p), 0.5,
                                      double(p), 0.5, double(p), 0.5, double(p), 0.5, double(p)},
                                     1, 8);
  check_ulp("d nll", tiny.derivatives[1], -1 / static_cast<long double>(p) / 8,
            1 / static_cast<long double>(p) / 8);
  CHECK(tiny.derivatives[0] == 0);
  const Result<T> of_nan = run_loss<T>(Op::negative_log_likelihood, {0.5, NAN}, 0);
  CHECK(std::isnan(of_nan.values[0]));
  CHECK(std::isnan(of_nan.derivatives[1]));
}

template <class T>
void check_polynomial() {
  const int64_t n = 300;
  const T x = T(0.1), delta = T(0.3);
  const Result<T> phi = run_op<T>(Op::polynomial_features, std::vector<double>(at(n), double(x)),
                                  std::vector<double>(at(2 * n + n * (n - 1) / 2), double(delta)));
  const long double exact = delta * (1 + (n + 1) * static_cast<long double>(x));
  for (T d : phi.derivatives) check_ulp("d polynomial_features", d, exact, exact);
}

// The mean of a loss over many samples.
void check_long_mean_of_losses() {
  const int64_t batch = 200000;
  const std::vector<double> x(at(2 * batch), 0.3);
  const Result<double> loss = run_loss<double>(Op::negative_log_likelihood, x, 1, batch);
  const long double exact = -std::log(static_cast<long double>(0.3));
  check_ulp("mean of losses", loss.values[0], exact, exact);
}

}  // namespace

TEST(log_sum_exp_of_large_equal_values_and_tiny_differences) {
  check_log_sum_exp<float>();
  check_log_sum_exp<double>();
}

TEST(softmax_and_log_sum_exp_of_infinite_values) {
  check_infinities<float>();
  check_infinities<double>();
}

TEST(cross_entropy_of_a_probability_near_1) {
  check_probability_near_1<float>();
  check_probability_near_1<double>();
}

TEST(softmax_rules_of_long_rows) {
  check_long_rows<float>();
  check_long_rows<double>();
}

TEST(softmax_of_distant_logits) {
  check_distant_logits<float>();
  check_distant_logits<double>();
}

TEST(reductions_and_layer_norm_of_long_rows) {
  check_long_sums<float>();
  check_long_sums<double>();
}

TEST(reductions_of_huge_values) {
  check_no_overflow<float>();
  check_no_overflow<double>();
}

TEST(negative_log_likelihood_of_tiny_probabilities_and_nan) {
  check_negative_log_likelihood<float>();
  check_negative_log_likelihood<double>();
}

TEST(polynomial_features_gradient_of_many_features) {
  check_polynomial<float>();
  check_polynomial<double>();
}

TEST(mean_of_the_losses_of_a_large_batch) { check_long_mean_of_losses(); }
