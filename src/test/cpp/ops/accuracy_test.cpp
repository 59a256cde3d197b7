// Compares values and derivatives with exact ones where a formula in terms of a rounded output, or with terms that
// cancel, loses digits: far from 0, for targets close to 0 and 1, and near overflow.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cases.h"
#include "harness.h"
#include "ops/loss_slope.h"
#include "plan_run.h"

using namespace test;

namespace {

using real = long double;

// Returns da/dz at each z, from the backward pass of Σ a with one sample per z. The number of samples must be a power of
// two, so that 1 / B · B is exactly 1.
template <class T>
std::vector<T> derivatives(Op op, const std::vector<double>& z, double c) {
  Builder b;
  const int32_t x = b.input(1);
  const double samples = static_cast<double>(z.size());
  PlanRequest request;
  request.batch = static_cast<int64_t>(z.size());
  request.loss = b.op(Op::scale, {b.op(Op::sum, {b.op(Op::batch_mean, {b.op(op, {x}, c)})})}, samples);
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(x)] = z;
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  run.backward();
  return run.gradient(x);
}

// Fails if the error is over 4 ulp of the exact value, and over the smallest normal number.
template <class T>
void check_close(const char* what, double x, T got, real exact) {
  using Limits = std::numeric_limits<T>;
  const real error = std::abs(static_cast<real>(got) - exact);
  const real allowed =
      std::max<real>(4 * static_cast<real>(Limits::epsilon()) * std::abs(exact), Limits::min());
  if (!(error <= allowed)) {
    fail(what, static_cast<int>(sizeof(T)),
         message("at ", x, ": expected ", static_cast<double>(exact), ", but got ", got));
  }
}

real exact_derivative(Op op, real z, real c) {
  const real e = std::exp(-std::abs(z));
  switch (op) {
    case Op::sigmoid: return e / ((1 + e) * (1 + e));
    case Op::tanh: return 4 * e * e / ((1 + e * e) * (1 + e * e));
    case Op::elu: return z < 0 ? c * std::exp(z) : 1;
    default: return (z < 0 ? e : 1) / (1 + e);  // softplus
  }
}

template <class T>
void check_derivatives() {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> z;
  for (int i = 0; i < 253; ++i) z.push_back(static_cast<double>(static_cast<T>(0.79 * (i - 126))));
  z.insert(z.end(), {infinity, -infinity, NAN});
  for (Op op : {Op::sigmoid, Op::tanh, Op::elu, Op::softplus}) {
    const double c = op == Op::elu ? 1.5 : 0;
    const std::vector<T> d = derivatives<T>(op, z, c);
    for (size_t i = 0; i + 1 < z.size(); ++i)
      check_close(name_of(op), z[i], d[i], exact_derivative(op, z[i], c));
    CHECK(std::isnan(d.back()));
  }
  for (Op op : {Op::relu, Op::leaky_relu}) CHECK(std::isnan(derivatives<T>(op, {NAN}, 0.5)[0]));
}

// The loss and its derivative are accurate for each target that agrees with the sign of the logit.
template <class T>
void check_binary_cross_entropy() {
  for (double z : {0.25, 3.0, 10.0, 15.0, 25.0, 60.0}) {
    for (double w : {0.0, 0x1p-24, 0x1p-12}) {
      const real e = std::exp(-static_cast<real>(z)), value = w * z + std::log1p(e);
      for (bool positive : {true, false}) {
        const double f = positive ? z : -z;
        double got;
        const T d = loss_slope<T>(Op::binary_cross_entropy, f, positive ? 1 - w : w, 0, &got);
        check_close("binary_cross_entropy", f, static_cast<T>(got), value);
        if (w == 0) check_close("d binary_cross_entropy", f, d, positive ? -e / (1 + e) : e / (1 + e));
      }
    }
  }
  double value;
  const auto slope_of = [&](double f, double y) {
    return loss_slope<T>(Op::binary_cross_entropy, f, y, 0, &value);
  };
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(slope_of(infinity, 1) == 0 && value == 0);
  CHECK(slope_of(-infinity, 0) == 0 && value == 0);
  CHECK(slope_of(infinity, 0) == 1 && value == infinity);
  CHECK(std::isnan(slope_of(NAN, 1)) && std::isnan(value));
}

// Intermediate results must not overflow if the result does not.
template <class T>
void check_huge_values() {
  const T large = std::numeric_limits<T>::max() / 4 * 3;
  CHECK(SquaredError::d_prediction(T(0.125), large, -large, T(0)) == large / 2);
  CHECK(SquaredError::d_prediction(T(0.125), large, T(0), T(0)) == large / 4);
  CHECK(Square::backward(T(0.125), large, T(0)) == large / 4);
  CHECK(Huber::forward(large, -large, T(0.25)) == large / 2);
  const T root = std::sqrt(std::numeric_limits<T>::max());  // its square does not overflow
  CHECK(Huber::forward(root + root / 4, T(0), 2 * root) < std::numeric_limits<T>::infinity());
}

}  // namespace

TEST(accuracy_of_derivatives_far_from_zero) {
  check_derivatives<float>();
  check_derivatives<double>();
}

TEST(accuracy_of_binary_cross_entropy) {
  check_binary_cross_entropy<float>();
  check_binary_cross_entropy<double>();
}

TEST(accuracy_of_huge_values) {
  check_huge_values<float>();
  check_huge_values<double>();
}
