// The values of unary operations at zero, at infinities and at NaN, written out, and the sign of zero.
#include "accuracy/engine.h"
#include "accuracy/exact_unary.h"
#include "accuracy/ulps.h"
#include "harness.h"

using namespace test;

namespace {

constexpr double inf = INFINITY, nan = NAN, ln_2 = 0.693147180559945309417232121458176568;

struct Limits {
  Op op;
  double constant;
  double at_zero, at_minus_infinity, at_infinity;                    // of the value
  double slope_at_zero, slope_at_minus_infinity, slope_at_infinity;  // of the derivative
};

const std::vector<Limits> all = {
    {Op::scale, 2, 0, -inf, inf, 2, 2, 2},      {Op::negate, 0, 0, inf, -inf, -1, -1, -1},
    {Op::square, 0, 0, inf, inf, 0, -inf, inf}, {Op::exp, 0, 1, 0, inf, 1, 0, inf},
    {Op::log, 0, -inf, nan, inf, inf, 0, 0},    {Op::identity, 0, 0, -inf, inf, 1, 1, 1},
    {Op::sigmoid, 0, 0.5, 0, 1, 0.25, 0, 0},    {Op::tanh, 0, 0, -1, 1, 1, 0, 0},
    {Op::relu, 0, 0, 0, inf, 1, 0, 1},          {Op::leaky_relu, 0.25, 0, -inf, inf, 1, 0.25, 1},
    {Op::elu, 1.5, 0, -1.5, inf, 1, 0, 1},      {Op::softplus, 0, ln_2, 0, inf, 0.5, 0, 1},
    {Op::gelu, 0, 0, 0, inf, 0.5, 0, 1},        {Op::silu, 0, 0, 0, inf, 0.5, 0, 1},
};

template <class T>
void check(const Engine& engine) {
  const std::vector<T> xs = {0, -T(inf), T(inf), T(nan), -T(0)};
  for (const Limits& limits : all) {
    Applied<T> applied(engine, limits.op, limits.constant, {1}, 5);
    applied.run({xs}, std::vector<T>(5, T(1)));
    const std::vector<T>&value = applied.value(), &slope = applied.derivative();
    const double values[] = {limits.at_zero, limits.at_minus_infinity, limits.at_infinity, nan,
                             limits.at_zero};
    const double slopes[] = {limits.slope_at_zero, limits.slope_at_minus_infinity, limits.slope_at_infinity,
                             nan, limits.op == Op::log ? -inf : limits.slope_at_zero};
    for (size_t i = 0; i < 5; ++i) {
      const auto same = [&](const char* what, T got, double expected) {
        const bool right = error_in_ulps(got, static_cast<Wide<T>>(expected)) <= (expected == 0 ? 0 : 4);
        if (right && !(got == 0 && std::signbit(got))) return;
        fail(name_of(limits.op), 0,
             message(what, " at ", xs[i], " with ", engine.name, ": expected ", expected, ", but got ", got));
      };
      same("value", value[i], values[i]);
      if (i != 3 || derivative_keeps_nan(limits.op)) same("derivative", slope[i], slopes[i]);
    }
  }
}

}  // namespace

TEST(limits_of_unary_operations_at_zero_infinities_and_nan) {
  for (Op op : operations()) {
    bool found = kind_of(op) != Kind::unary || traits_of(op).random;
    for (const Limits& limits : all) found = found || limits.op == op;
    if (!found) fail(name_of(op), 0, "its limits are not in the list");
  }
  for (const Engine& engine : engines()) {
    check<float>(engine);
    check<double>(engine);
  }
}

// -0 keeps its sign inside the core, but what the core returns is +0.
TEST(returned_zeros_are_positive) {
  for (const Engine& engine : engines()) {
    Applied<float> applied(engine, Op::multiply, 0, {1, 1}, 2);
    applied.run({{-0.0f, -1e-30f}, {1, 1e-30f}}, {-0.0f, -0.0f});
    for (float x : applied.value()) CHECK(x == 0 && !std::signbit(x));
    for (float x : applied.derivative(0)) CHECK(x == 0 && !std::signbit(x));
  }
}
