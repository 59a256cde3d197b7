// ops/math.h: error bounds in ulp compared with libm in long double, special values, monotonicity, and equal results in
// a loop's vector body and its scalar remainder.
#include "ops/math.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "harness.h"

namespace {

namespace math = chainrule::math;
using real = long double;

template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T smallest = std::numeric_limits<T>::denorm_min();
template <class T>
constexpr T largest = std::numeric_limits<T>::max();

// Defines a type for each function under test, with the function as a template and its reference.
#define FUNCTION(name, reference)                   \
  struct name##_function {                          \
    static constexpr const char* text = #name;      \
    template <class T>                              \
    static T value(T x) {                           \
      return math::name(x);                         \
    }                                               \
    static real exact(real x) { return reference; } \
  };
FUNCTION(exp, std::exp(x))
FUNCTION(expm1, std::expm1(x))
FUNCTION(log, std::log(x))
FUNCTION(log1p, std::log1p(x))
FUNCTION(tanh, std::tanh(x))
FUNCTION(normal_cdf, 0.5L * std::erfc(-x * 0.707106781186547524400844362104849L))
FUNCTION(normal_pdf, std::exp(-0.5L * x * x) * 0.398942280401432677939946059934381868L)
#undef FUNCTION

// If long double is no wider than double, the reference itself can be off by an ulp.
template <class T>
constexpr double slack = std::numeric_limits<T>::digits + 10 <= LDBL_MANT_DIG ? 0.01 : 1.5;

template <class T>
double ulp_error(T got, real exact) {
  constexpr int digits = std::numeric_limits<T>::digits;
  constexpr int lowest = std::numeric_limits<T>::min_exponent - digits;
  if (std::isnan(got)) return std::isnan(exact) ? 0 : 1e9;
  // Infinity is right for exact values that round to infinity.
  if (std::isinf(got)) return std::abs(exact) >= real(largest<T>) ? 0 : 1e8;
  int exponent = lowest + digits;
  if (exact != 0) std::frexp(exact, &exponent);
  return double(std::ldexp(std::abs(real(got) - exact), -std::max(exponent - digits, lowest)));
}

template <class F, class T>
void check_range(const std::vector<T>& points, double bound) {
  double worst = 0;
  T at = 0;
  for (const T x : points) {
    const double error = ulp_error(F::template value<T>(x), F::exact(real(x)));
    if (error > worst) worst = error, at = x;
  }
  if (worst > bound + slack<T>) {
    std::ostringstream text;
    text.precision(std::numeric_limits<T>::max_digits10);
    text << F::text << (sizeof(T) == 4 ? "(float " : "(double ") << at << ") is off by " << worst
         << " ulp, over " << bound;
    test::fail(__FILE__, __LINE__, text.str());
  }
}

constexpr int samples = 20000;

template <class T>
std::vector<T> evenly(double low, double high) {
  std::vector<T> points;
  std::mt19937 random(11);
  std::uniform_real_distribution<double> jitter(0, 1);
  for (int i = 0; i < samples; ++i) {
    points.push_back(T(low + (high - low) * (i + jitter(random)) / samples));
  }
  return points;
}

// Returns points whose magnitudes are spread evenly over the exponents. All have the sign of `from`.
template <class T>
std::vector<T> by_exponent(double from, double to) {
  std::vector<T> points;
  for (const double logarithm : evenly<double>(std::log(std::abs(from)), std::log(std::abs(to)))) {
    points.push_back(T(std::copysign(std::exp(logarithm), from)));
  }
  return points;
}

template <class T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

// Returns special and ordinary values, for the checks that need no reference.
template <class T>
std::vector<T> assorted() {
  std::vector<T> points = {T(0),           smallest<T>, std::numeric_limits<T>::min(),
                           T(1e-30),       T(1e-9),     T(1e-3),
                           T(0.3466),      T(0.55),     T(1),
                           T(2),           T(9.01),     T(19.06),
                           T(88.7),        T(104),      T(709.7),
                           T(745.2),       largest<T>,  inf<T>,
                           not_a_number<T>};
  for (std::size_t i = 0, n = points.size(); i < n; ++i) points.push_back(-points[i]);
  std::mt19937 random(17);
  std::uniform_real_distribution<double> spread(-12, 12);
  while (points.size() < 1003) points.push_back(T(spread(random)));
  return points;
}

#if defined(__GNUC__)
#define OUT_OF_LINE __attribute__((noinline, noclone))
#else
#define OUT_OF_LINE
#endif

template <class F, class T>
OUT_OF_LINE void apply(const T* in, T* out, int n) {
  for (int i = 0; i < n; ++i) out[i] = F::template value<T>(in[i]);
}

template <class F, class T>
void check_whole_against_single() {
  const std::vector<T> in = assorted<T>();
  const int n = int(in.size());
  std::vector<T> whole(n), from_three(n), single(n);
  apply<F>(in.data(), whole.data(), n);
  apply<F>(in.data() + 3, from_three.data() + 3, n - 3);
  int differ = 0;
  for (int i = 0; i < n; ++i) {
    apply<F>(&in[i], &single[i], 1);
    differ += !same(whole[i], single[i]) || (i >= 3 && !same(from_three[i], single[i]));
  }
  if (differ) {
    test::fail(__FILE__, __LINE__,
               std::string(F::text) + " depends on the position in an array: " + std::to_string(differ) +
                   " of " + std::to_string(n));
  }
}

// Checks that the function is monotone. Approximations need not be so in the last bits: a step of a few ulp in the
// wrong direction is allowed.
template <class F, class T>
void check_monotone(double low, double high, double direction, double ulps) {
  std::vector<T> points = evenly<T>(low, high);
  int wrong = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const T before = F::template value<T>(points[i - 1]), after = F::template value<T>(points[i]);
    const double step = direction * (double(after) - double(before));
    wrong += !(step >= -ulps * double(std::numeric_limits<T>::epsilon()) * std::abs(double(before)));
  }
  if (wrong) {
    test::fail(__FILE__, __LINE__,
               std::string(F::text) + " is not monotone at " + std::to_string(wrong) + " steps");
  }
}

template <class T>
void check_exp_family_errors() {
  const bool single = sizeof(T) == 4;
  const double low = single ? -104 : -745.5, high = single ? 89 : 710;
  check_range<exp_function>(evenly<T>(low, high), 1);
  check_range<exp_function>(evenly<T>(-1, 1), 1);
  check_range<exp_function>(evenly<T>(low, low + 20), 1);  // gradual underflow
  check_range<exp_function>(evenly<T>(high - 1, high), 1);
  check_range<expm1_function>(evenly<T>(-40, high), 1.4);
  check_range<expm1_function>(evenly<T>(-2, 2), 1.4);
  check_range<expm1_function>(by_exponent<T>(1e-30, 1), 1.4);
  check_range<expm1_function>(by_exponent<T>(-1e-30, -1), 1.4);
  check_range<tanh_function>(by_exponent<T>(1e-30, 20), 2.2);
  check_range<tanh_function>(evenly<T>(-4, 4), 2.2);
}

template <class T>
void check_log_errors() {
  const double least = sizeof(T) == 4 ? 1e-45 : 1e-323, most = sizeof(T) == 4 ? 3e38 : 1e308;
  check_range<log_function>(by_exponent<T>(least, most), 0.9);
  check_range<log_function>(evenly<T>(0.5, 2), 0.9);
  check_range<log1p_function>(evenly<T>(0, 1), 0.9);
  check_range<log1p_function>(by_exponent<T>(1e-30, 1), 0.9);
  check_range<log1p_function>(by_exponent<T>(1, most), 0.9);
  check_range<log1p_function>(by_exponent<T>(-1e-30, -0.9999), 0.9);
}

template <class T>
void check_normal_errors() {
  const double normal_end = sizeof(T) == 4 ? 14.3 : 38.6;
  check_range<normal_cdf_function>(evenly<T>(-normal_end, -1), 6.5);
  check_range<normal_cdf_function>(evenly<T>(-1, 0), 6);
  check_range<normal_cdf_function>(evenly<T>(0, 9), 3.5);
  check_range<normal_pdf_function>(evenly<T>(-normal_end, normal_end), 2.5);
}

template <class T>
void check_exp_family_special_values() {
  CHECK(same(math::exp(T(0)), T(1)) && same(math::exp(-T(0)), T(1)));
  CHECK(same(math::exp(-inf<T>), T(0)) && same(math::exp(-largest<T>), T(0)));
  CHECK(math::exp(inf<T>) == inf<T> && math::exp(largest<T>) == inf<T>);
  CHECK(std::isnan(math::exp(not_a_number<T>)));
  CHECK(math::exp(smallest<T>) == 1 && math::exp(-smallest<T>) == 1);
  // The largest argument with a finite result, and the smallest with a nonzero one.
  const T top = std::nextafter(T(std::log(real(largest<T>))), T(0));
  CHECK(math::exp(top) <= largest<T>);
  CHECK(math::exp(std::nextafter(std::nextafter(top, inf<T>), inf<T>)) == inf<T>);
  const T bottom = T(std::log(real(smallest<T>)));
  CHECK(same(math::exp(bottom), smallest<T>));
  CHECK(same(math::exp(bottom - T(0.7)), T(0)));

  CHECK(same(math::expm1(T(0)), T(0)) && same(math::expm1(-T(0)), -T(0)));
  CHECK(math::expm1(-inf<T>) == -1 && math::expm1(-largest<T>) == -1);
  CHECK(math::expm1(inf<T>) == inf<T> && std::isnan(math::expm1(not_a_number<T>)));
  CHECK(same(math::expm1(smallest<T>), smallest<T>) && same(math::expm1(-smallest<T>), -smallest<T>));
  CHECK(math::expm1(top) <= largest<T> && math::expm1(T(750)) == inf<T>);

  CHECK(same(math::tanh(T(0)), T(0)) && same(math::tanh(-T(0)), -T(0)));
  CHECK(math::tanh(inf<T>) == 1 && math::tanh(-inf<T>) == -1);
  CHECK(math::tanh(largest<T>) == 1 && math::tanh(T(-30)) == -1);
  CHECK(same(math::tanh(smallest<T>), smallest<T>) && same(math::tanh(-smallest<T>), -smallest<T>));
  CHECK(std::isnan(math::tanh(not_a_number<T>)));
  for (const T x : assorted<T>()) {
    CHECK(same(math::tanh(-x), -math::tanh(x)));
    CHECK(!(math::abs(math::tanh(x)) > 1));
  }
}

template <class T>
void check_log_special_values() {
  CHECK(math::log(T(0)) == -inf<T> && math::log(-T(0)) == -inf<T>);
  CHECK(std::isnan(math::log(T(-1))) && std::isnan(math::log(-smallest<T>)));
  CHECK(std::isnan(math::log(-inf<T>)));
  CHECK(math::log(inf<T>) == inf<T> && std::isnan(math::log(not_a_number<T>)));
  CHECK(same(math::log(T(1)), T(0)));
  CHECK_NEAR(math::log(smallest<T>), T(std::log(real(smallest<T>))), 1e-4);
  CHECK_NEAR(math::log(largest<T>), T(std::log(real(largest<T>))), 1e-4);

  CHECK(same(math::log1p(T(0)), T(0)) && same(math::log1p(-T(0)), -T(0)));
  CHECK(same(math::log1p(smallest<T>), smallest<T>) && same(math::log1p(-smallest<T>), -smallest<T>));
  CHECK(math::log1p(T(-1)) == -inf<T>);
  CHECK(std::isnan(math::log1p(std::nextafter(T(-1), T(-2)))) && std::isnan(math::log1p(-inf<T>)));
  CHECK(math::log1p(inf<T>) == inf<T> && std::isnan(math::log1p(not_a_number<T>)));
  CHECK_NEAR(math::log1p(largest<T>), T(std::log(real(largest<T>))), 1e-4);
}

template <class T>
void check_normal_special_values() {
  CHECK(math::normal_cdf(T(0)) == T(0.5) && math::normal_cdf(-T(0)) == T(0.5));
  CHECK(same(math::normal_cdf(-inf<T>), T(0)) && same(math::normal_cdf(-largest<T>), T(0)));
  CHECK(math::normal_cdf(inf<T>) == 1 && math::normal_cdf(largest<T>) == 1);
  CHECK(std::isnan(math::normal_cdf(not_a_number<T>)));
  CHECK(math::normal_cdf(sizeof(T) == 4 ? T(-14) : T(-38)) > 0);

  CHECK(same(math::normal_pdf(inf<T>), T(0)) && same(math::normal_pdf(-largest<T>), T(0)));
  CHECK(std::isnan(math::normal_pdf(not_a_number<T>)));
  CHECK(math::normal_pdf(T(0)) == T(0.398942280401432677939946059934381868L));
}

template <class T>
void check_helpers() {
  CHECK(same(math::abs(-T(0)), T(0)) && math::abs(T(-3)) == 3 && math::abs(-inf<T>) == inf<T>);
  CHECK(math::copy_sign(T(2), -T(0)) == -2 && math::copy_sign(T(-2), T(1)) == 2);
  CHECK(math::select(true, T(1), not_a_number<T>) == 1 && math::select(false, inf<T>, T(2)) == 2);
  CHECK(math::at_most(T(3), T(2)) == 2 && math::at_most(T(1), T(2)) == 1);
  CHECK(math::at_least(T(3), T(2)) == 3 && math::at_least(T(1), T(2)) == 2);
  CHECK(std::isnan(math::at_most(not_a_number<T>, T(2))));
  CHECK(std::isnan(math::at_least(not_a_number<T>, T(2))));
}

template <class T>
void check_all_monotone() {
  const double low = sizeof(T) == 4 ? -105 : -750, high = sizeof(T) == 4 ? 88 : 709;
  check_monotone<exp_function, T>(low, high, 1, 2);
  check_monotone<expm1_function, T>(-40, high, 1, 2);
  check_monotone<log_function, T>(1e-6, 1e6, 1, 2);
  check_monotone<log1p_function, T>(-0.99, 100, 1, 2);
  check_monotone<tanh_function, T>(-12, 12, 1, 3);
  check_monotone<normal_cdf_function, T>(-40, 10, 1, 8);
  check_monotone<normal_pdf_function, T>(-40, 0, 1, 4);
}

template <class T>
void check_positions() {
  check_whole_against_single<exp_function, T>();
  check_whole_against_single<expm1_function, T>();
  check_whole_against_single<log_function, T>();
  check_whole_against_single<log1p_function, T>();
  check_whole_against_single<tanh_function, T>();
  check_whole_against_single<normal_cdf_function, T>();
  check_whole_against_single<normal_pdf_function, T>();
}

}  // namespace

TEST(math_exp_expm1_tanh_errors_float) { check_exp_family_errors<float>(); }
TEST(math_exp_expm1_tanh_errors_double) { check_exp_family_errors<double>(); }
TEST(math_log_log1p_errors_float) { check_log_errors<float>(); }
TEST(math_log_log1p_errors_double) { check_log_errors<double>(); }
TEST(math_normal_errors_float) { check_normal_errors<float>(); }
TEST(math_normal_errors_double) { check_normal_errors<double>(); }

TEST(math_exp_expm1_tanh_special_values) {
  check_exp_family_special_values<float>();
  check_exp_family_special_values<double>();
}

TEST(math_log_log1p_special_values) {
  check_log_special_values<float>();
  check_log_special_values<double>();
}

TEST(math_normal_special_values) {
  check_normal_special_values<float>();
  check_normal_special_values<double>();
}

TEST(math_helpers) {
  check_helpers<float>();
  check_helpers<double>();
}

TEST(math_functions_are_monotone) {
  check_all_monotone<float>();
  check_all_monotone<double>();
}

TEST(math_vector_body_and_remainder_agree) {
  check_positions<float>();
  check_positions<double>();
}
