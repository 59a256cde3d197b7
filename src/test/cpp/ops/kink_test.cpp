// Tests of the operations whose derivative jumps (relu, leaky_relu, elu, huber): value and derivative at that point,
// the kink, and on both sides of it.
#include <cmath>

#include "cases.h"
#include "harness.h"
#include "ops/loss_slope.h"
#include "plan_run.h"

using namespace test;

namespace {

// Applies `op` with constant `c` to each z, one sample per z. Sets `a` to the results and returns da/dz, which is the
// gradient of the sum of all a.
template <class T>
std::vector<T> slope(Op op, const std::vector<double>& z, double c, std::vector<T>* a) {
  Builder b;
  const int32_t x = b.input(1);
  const int32_t y = b.op(op, {x}, c);
  const double samples = static_cast<double>(z.size());
  const int32_t loss = b.op(Op::scale, {b.op(Op::sum, {b.op(Op::batch_mean, {y})})}, samples);
  PlanRequest request;
  request.batch = static_cast<int64_t>(z.size());
  request.outputs = {y};
  request.loss = loss;
  request.backward = true;
  Values values(at(b.graph.size()));
  values[at(x)] = z;
  PlanRun<T> run(b.graph, request, values);
  run.forward();
  run.backward();
  *a = run.output(0);
  return run.gradient(x);
}

// The number of values is a power of two, so that slope()'s division (batch_mean) and multiplication (scale) by it
// cancel exactly.
const std::vector<double> around_zero = {0.0, -0.0, 1e-30, -1e-30, 2, -2, 1e30, -1e30};

// Checks `op` with constant `c` at around_zero. The expected derivative is 1 at 0 and above, `below_slope` just below
// 0, and `far_below` at -1e30.
template <class T>
void check_kink_at_zero(Op op, double c, double below_slope, double far_below) {
  std::vector<T> a;
  const std::vector<T> d = slope<T>(op, around_zero, c, &a);
  for (size_t i : {0u, 1u}) {
    CHECK(a[i] == 0);
    CHECK(!std::signbit(a[i]));
    CHECK(d[i] == 1);  // at 0 and at -0
  }
  for (size_t i : {2u, 4u, 6u}) {
    CHECK(a[i] == static_cast<T>(around_zero[i]));
    CHECK(d[i] == 1);
  }
  CHECK_NEAR(a[3], -1e-30 * below_slope, 1e-36);
  CHECK_NEAR(d[3], below_slope, 1e-6);
  CHECK_NEAR(d[7], far_below, 1e-6);
}

template <class T>
void check_huber() {
  const double c = 0.75;
  double value;
  for (double sign : {1.0, -1.0}) {
    CHECK(loss_slope<T>(Op::huber, sign * 0.75, 0, c, &value) == sign * c);  // exactly at the kink
    CHECK(value == c * c / 2);
    CHECK(loss_slope<T>(Op::huber, sign * 0.5, 0, c, &value) == sign * 0.5);
    CHECK(value == 0.125);
    CHECK(loss_slope<T>(Op::huber, sign * 8, 0, c, &value) == sign * c);
    CHECK(value == c * (8 - c / 2));
    CHECK(loss_slope<T>(Op::huber, sign * INFINITY, 0, c, &value) == sign * c);
    CHECK(std::isinf(value));
  }
  CHECK(loss_slope<T>(Op::huber, 0.25, 0.25, c, &value) == 0);
  CHECK(value == 0);
  CHECK(std::isnan(loss_slope<T>(Op::huber, NAN, 0, c, &value)));
}

}  // namespace

TEST(kink_of_relu) {
  check_kink_at_zero<float>(Op::relu, 0, 0, 0);
  check_kink_at_zero<double>(Op::relu, 0, 0, 0);
}

TEST(kink_of_leaky_relu) {
  check_kink_at_zero<float>(Op::leaky_relu, 0.25, 0.25, 0.25);
  check_kink_at_zero<double>(Op::leaky_relu, 0.25, 0.25, 0.25);
}

TEST(kink_of_elu) {
  check_kink_at_zero<float>(Op::elu, 1.5, 1.5, 0);
  check_kink_at_zero<double>(Op::elu, 1.5, 1.5, 0);
}

TEST(kink_of_huber) {
  check_huber<float>();
  check_huber<double>();
}

// relu saves -0 for z < 0 and +0 for z = 0. An operation that runs in place after relu must not change this sign before
// relu's backward pass has read it.
TEST(kink_of_relu_inside_a_network) {
  for (Op first : {Op::identity, Op::negate, Op::scale}) {
    for (Op then : {Op::identity, Op::negate, Op::scale, Op::relu, Op::leaky_relu}) {
      Builder b;
      const int32_t x = b.input(1);
      const double c = then == Op::leaky_relu ? 0.5 : 2;
      const int32_t a = b.op(Op::relu, {b.op(first, {x}, 1)});
      const int32_t loss = b.op(Op::sum, {b.op(Op::batch_mean, {b.op(then, {a}, c)})});
      PlanRequest request;
      request.batch = 4;
      request.loss = loss;
      request.backward = true;
      Values values(at(b.graph.size()));
      values[at(x)] = {0.0, -0.0, 1, -1};
      PlanRun<float> run(b.graph, request, values);
      run.forward();
      run.backward();
      const std::vector<float> d = run.gradient(x);
      const float inner = first == Op::negate ? -1 : 1, outer = then == Op::negate  ? -1
                                                                : then == Op::scale ? 2
                                                                                    : 1;
      const float active = inner * outer / 4;
      CHECK(d[0] == active);
      CHECK(d[1] == active);
      CHECK(d[2] == (first == Op::negate ? 0 : active));
      CHECK(d[3] == (first == Op::negate ? active : 0));
    }
  }
}
