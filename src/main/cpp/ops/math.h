// Elementary functions for elementwise rules, written once for float and double and for C++ and nvcc. They contain no
// branch, table, library call or intrinsic, so that GCC vectorises loops over them.
//
// exp         x = n ln2 + r. n = round(x / ln2) is computed by adding 1.5 * 2^52 (float: 1.5 * 2^23). ln2 is split into
//             two parts (Cody and Waite). exp(r) = 1 + r + r^2 P(r). 2^n is applied as two factors of about 2^(n/2).
//             Both are normal numbers, so overflow and gradual underflow occur only in the last rounding.
// expm1       2^n (r^2 P(r) + error of r) + (2^n r + (2^n - 1)) with n, r and P as in exp; x if |x| < 2^-60.
// tanh        With h = expm1(2 |x|) / 2 and q = 1 / (1 + h) = 1 - tanh |x|: h - h (h q) if |x| < 0.55, otherwise 1 - q.
//             The sign is that of x. The derivative is q + q tanh |x|, so it does not cancel.
// log         x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2).
//             float: log(1 + f) = f - f^2/2 + f^3 P(f), as in Moshier's Cephes.
//             double: log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)) with s = f / (2 + f), as in Sun's fdlibm.
// log1p       log(u) + (x - (u - 1)) / u with u = 1 + x, rounded; x if |x| < 2^-60. For all x > -1, not only [0, 1].
// normal_cdf  z <= 0: erfc(x) / 2 with x = -z / sqrt 2 and erfc(x) = exp(-x^2) Q(t) / (x + 4), t = (x - 4) / (x + 4).
//             This is the substitution of Shepherd and Laframboise (Math. Comp. 36, 1981). exp(-x^2) is computed from z
//             as exp(-z^2 / 2) and corrected for the rounding error of z^2, so the tail keeps its relative accuracy
//             down to underflow.
//             z > 0: 1 - normal_cdf(-z).
// normal_pdf  exp(-z^2 / 2) / sqrt(2 pi).
//
// Limits: exp(-inf) = 0, exp(inf) = inf, log(+-0) = log1p(-1) = -inf, log(x < 0) = log1p(x < -1) = NaN,
// normal_cdf(0) = 1/2. expm1, log1p and tanh keep the sign of zero and are exact for subnormals. The result of a NaN is
// a NaN. Subnormal arguments and results are handled correctly unless the caller has set flush-to-zero.
//
// The coefficients are minimax fits, computed by a Remez exchange in 60 digits (mpmath) and then rounded to the type.
// For P, the first two coefficients were rounded before the others were fitted. The errors of the fits, relative to the
// function, for float and double: 2^-28 and 2^-58 for P of expm1, |r| <= 0.3468; 2^-29 and 2^-57 for log; 2^-30 and
// 2^-58 for Q, 0 <= x <= 10.3 (double: 27.5).
//
// The largest measured errors in ulp follow, each the larger of those with and without FMA. float: every 61st float of
// the range (every 8th for log in [1/2, 2] and for normal_cdf below -1), compared with long double. double: 600 000
// random points per range (150 000 for the last two functions), compared with __float128.
//               float                            double
//   exp         0.98  [-105, 90]                 0.96  [-746, 710]
//   expm1       1.30  [-105, 90]                 1.26  [-40, 710], 1.22 in [-2, 2]
//   tanh        1.98  [-12, 12]                  2.12  [-20, 20]
//   1 - tanh^2  3.2   all x                      3.0   all x
//   log         0.81  all x > 0                  0.82  all x > 0
//   log1p       0.81  x > -1                     0.85  x > -1, 0.85 in [0, 1]
//   normal_cdf  4.8   [-1, 0], 5.2 [-15, -1]     5.0   [-1, 0], 6.0 [-39, -1]
//               2.7   z > 0                      2.4   z > 0
//   normal_pdf  2.2   [-15, 15]                  2.1   [-39, 39]
#pragma once

#include "ops/floating_point.h"

#ifdef __FAST_MATH__
#error "ops/math.h rounds by adding and subtracting the same number: build without -ffast-math"
#endif

namespace chainrule {
inline namespace CHAINRULE_ISA {
namespace math {

// Approximates (expm1(r) - r) / r^2 for |r| <= ln2 / 2.
HOST_DEVICE CHAINRULE_INLINE float expm1_polynomial(float r) {
  float p = 0x1.37e5d0p-13f;
  p = mul_add(p, r, 0x1.6d2d2cp-10f);
  p = mul_add(p, r, 0x1.115702p-7f);
  p = mul_add(p, r, 0x1.555502p-5f);
  p = mul_add(p, r, 0x1.55552cp-3f);
  return mul_add(p, r, 0.5f);
}

HOST_DEVICE CHAINRULE_INLINE double expm1_polynomial(double r) {
  double p = 0x1.1fc8e9e68c43fp-29;
  p = mul_add(p, r, 0x1.af5fcfc8b9ea2p-26);
  p = mul_add(p, r, 0x1.27e4a0d0a0785p-22);
  p = mul_add(p, r, 0x1.71ddf76669c8dp-19);
  p = mul_add(p, r, 0x1.a01a01bfd8b79p-16);
  p = mul_add(p, r, 0x1.a01a01b04c212p-13);
  p = mul_add(p, r, 0x1.6c16c16c123f8p-10);
  p = mul_add(p, r, 0x1.111111110f5d0p-7);
  p = mul_add(p, r, 0x1.555555555555cp-5);
  p = mul_add(p, r, 0x1.5555555555559p-3);
  return mul_add(p, r, 0.5);
}

// Returns 2^n exp(r) for |n| < 2 bias. `shifted` is n + round_magic, whose low bits hold n.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T exp_reduced(T shifted, T r) {
  using F = format<T>;
  using bits = typename F::bits;
  const T p = mul_add(r * r, expm1_polynomial(r), r) + T(1);
  // n + 2 bias is positive, so an unsigned shift halves it. SSE2 and AVX2 have no signed 64-bit shift.
  const bits biased = to_bits(shifted) - (F::round_magic_bits - 2 * F::bias);
  const bits half = biased >> 1;
  return p * power_of_two<T>(half) * power_of_two<T>(biased - half);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T exp(T x) {
  using F = format<T>;
  x = at_most(at_least(x, F::exp_min), F::exp_max);
  const T shifted = mul_add(x, F::log2_e, F::round_magic);
  const T n = shifted - F::round_magic;
  return exp_reduced(shifted, mul_add(-n, F::ln2_low, mul_add(-n, F::ln2_high, x)));
}

// Returns exp(-x^2 / 2), corrected for the rounding error of the square.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T exp_minus_half_square(T x) {
  using F = format<T>;
  const T square = x * x;
  T error;
  if constexpr (has_fma) {
    error = mul_add(x, x, -square);
  } else {  // Dekker's exact product of halves
    const T high = from_bits(to_bits(x) & F::upper_half_mask);
    const T low = x - high;
    error = ((high * high - square) + (high + high) * low) + low * low;
  }
  const T y = square * T(-0.5);
  const T shifted = mul_add(y, F::log2_e, F::round_magic);
  const T n = shifted - F::round_magic;
  return exp_reduced(shifted, mul_add(-n, F::ln2_low, mul_add(-n, F::ln2_high, y)) - error * T(0.5));
}

// Returns expm1(x) / 2 for x in [expm1_min, exp_max]. It is halved, because 2^n overflows before expm1(x) does.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T half_expm1(T x) {
  using F = format<T>;
  const T shifted = mul_add(x, F::log2_e, F::round_magic);
  const T n = shifted - F::round_magic;
  const T near = mul_add(-n, F::ln2_high, x);
  const T r = mul_add(-n, F::ln2_low, near);
  const T error = mul_add(-n, F::ln2_low, near - r);
  const T tail = mul_add(r * r, expm1_polynomial(r), error);
  const T scale = power_of_two<T>(to_bits(shifted) - (F::round_magic_bits - F::bias + 1));
  return mul_add(scale, tail, mul_add(scale, r, scale - T(0.5)));
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T expm1(T x) {
  using F = format<T>;
  const T half = half_expm1(at_most(at_least(x, F::expm1_min), F::exp_max));
  return select(abs(x) < F::tiny, x, half + half);
}

// Returns tanh(x). Sets *derivative to 1 - tanh(x)^2, or to 0 if that is below the normal numbers.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T tanh(T x, T* derivative) {
  constexpr T limit = format<T>::exp_max / 2;
  const T a = abs(x);
  const T clamped = at_most(a, limit);
  const T h = half_expm1(clamped + clamped);
  const T rest = T(1) / (h + T(1));  // 1 - tanh(a)
  const T part = select(a < T(0.55), h, T(1));
  const T t = mul_add(-part, part * rest, part);
  *derivative = select(limit < a, T(0), mul_add(rest, t, rest));
  return copy_sign(t, x);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T tanh(T x) {
  T derivative;
  return tanh(x, &derivative);
}

// Returns k ln2_high + low + log(1 + f).
HOST_DEVICE CHAINRULE_INLINE float log_assemble(float k, float f, float low) {
  float p = 0x1.a8740ep-5f;
  p = mul_add(p, f, -0x1.babb16p-4f);
  p = mul_add(p, f, 0x1.f042bep-4f);
  p = mul_add(p, f, -0x1.015d96p-3f);
  p = mul_add(p, f, 0x1.230d4ep-3f);
  p = mul_add(p, f, -0x1.552b32p-3f);
  p = mul_add(p, f, 0x1.99a470p-3f);
  p = mul_add(p, f, -0x1.000074p-2f);
  p = mul_add(p, f, 0x1.55554ap-2f);
  const float f2 = f * f;
  const float y = mul_add(-0.5f, f2, mul_add(f2 * f, p, low));
  return mul_add(k, format<float>::ln2_high, f + y);
}

HOST_DEVICE CHAINRULE_INLINE double log_assemble(double k, double f, double low) {
  const double s = f / (2.0 + f);
  const double z = s * s;
  double q = 0x1.2dc026d349915p-3;
  q = mul_add(q, z, 0x1.39c3f0156d985p-3);
  q = mul_add(q, z, 0x1.7464d44bcca7fp-3);
  q = mul_add(q, z, 0x1.c71c597de387ep-3);
  q = mul_add(q, z, 0x1.24924937e3a5ep-2);
  q = mul_add(q, z, 0x1.999999998c93fp-2);
  q = mul_add(q, z, 0x1.5555555555566p-1);
  const double f2 = f * f;
  const double y = mul_add(-0.5, f2, mul_add(s, mul_add(0.5, f2, z * q), low));
  return mul_add(k, format<double>::ln2_high, f + y);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T log(T x) {
  using F = format<T>;
  using bits = typename F::bits;
  const bool subnormal = x < F::min_normal;
  const T normal = x * select(subnormal, F::subnormal_scale, T(1));
  // After this addition the exponent field increments at sqrt(1/2) instead of at 1. The computation of f below adds the
  // fraction back.
  const bits u = to_bits(normal) + (F::one - F::sqrt_half);
  const T k = from_bits(static_cast<bits>((u >> F::fraction_bits) | F::integer_magic_bits)) -
              select(subnormal, F::integer_magic + (T(F::bias) + F::subnormal_exponent),
                     F::integer_magic + T(F::bias));
  const T f = from_bits(static_cast<bits>((u & F::fraction_mask) + F::sqrt_half)) - T(1);
  T result = log_assemble(k, f, k * F::ln2_low);
  result = select(x < F::infinity, result, x);
  result = select(x < T(0), F::nan, result);
  return select(x == T(0), -F::infinity, result);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T log1p(T x) {
  using F = format<T>;
  using bits = typename F::bits;
  const T one_plus = T(1) + x;
  const T error = x - (one_plus - T(1));
  // As in log(). one_plus is never subnormal, so it needs no scaling.
  const bits u = to_bits(one_plus) + (F::one - F::sqrt_half);
  const T k = from_bits(static_cast<bits>((u >> F::fraction_bits) | F::integer_magic_bits)) -
              (F::integer_magic + T(F::bias));
  const T f = from_bits(static_cast<bits>((u & F::fraction_mask) + F::sqrt_half)) - T(1);
  T result = log_assemble(k, f, mul_add(k, F::ln2_low, error / one_plus));
  result = select(x < F::infinity, result, x);
  result = select(x < T(-1), F::nan, result);
  result = select(x == T(-1), -F::infinity, result);
  return select(abs(x) < F::tiny, x, result);
}

// Approximates (x + 4) exp(x^2) erfc(x) as a polynomial in t = (x - 4) / (x + 4). The result is exactly 4 at t = -1.
HOST_DEVICE CHAINRULE_INLINE float erfc_polynomial(float t) {
  float p = -0x1.8b80fap-11f;
  p = mul_add(p, t, -0x1.91e72ap-12f);
  p = mul_add(p, t, 0x1.97ce74p-8f);
  p = mul_add(p, t, -0x1.aed298p-6f);
  p = mul_add(p, t, 0x1.38d072p-4f);
  p = mul_add(p, t, -0x1.64671ep-3f);
  p = mul_add(p, t, 0x1.52cac6p-2f);
  p = mul_add(p, t, -0x1.14eaacp-1f);
  p = mul_add(p, t, 0x1.8be204p-1f);
  p = mul_add(p, t, -0x1.f3fe32p-1f);
  return mul_add(p, t, 0x1.18932cp0f);
}

HOST_DEVICE CHAINRULE_INLINE double erfc_polynomial(double t) {
  double p = 0x1.196c68073bb0fp-30;
  p = mul_add(p, t, -0x1.9122f192c7c64p-32);
  p = mul_add(p, t, -0x1.087cf1086b462p-26);
  p = mul_add(p, t, 0x1.60806feff85e7p-29);
  p = mul_add(p, t, 0x1.0a1e18de2b55p-23);
  p = mul_add(p, t, -0x1.4eb6e2f133491p-24);
  p = mul_add(p, t, -0x1.c62e093640c1bp-21);
  p = mul_add(p, t, 0x1.7ecea97f5d5p-20);
  p = mul_add(p, t, 0x1.3b079506c7827p-18);
  p = mul_add(p, t, -0x1.3c72b7c92db3cp-16);
  p = mul_add(p, t, -0x1.e7e670c33116cp-19);
  p = mul_add(p, t, 0x1.72cdcd74d3a34p-13);
  p = mul_add(p, t, -0x1.dd2846d79fb41p-12);
  p = mul_add(p, t, -0x1.269b55ae616eap-12);
  p = mul_add(p, t, 0x1.908f4728ab99ep-8);
  p = mul_add(p, t, -0x1.b00c052a9e6ap-6);
  p = mul_add(p, t, 0x1.38dbd2c8db78ap-4);
  p = mul_add(p, t, -0x1.645fd8a4bf33p-3);
  p = mul_add(p, t, 0x1.52cac237102a8p-2);
  p = mul_add(p, t, -0x1.14eacb1ad02e2p-1);
  p = mul_add(p, t, 0x1.8be202d26c702p-1);
  p = mul_add(p, t, -0x1.f3fe31ecb49cp-1);
  return mul_add(p, t, 0x1.18932bf08e154p0);
}

// Returns exp(x^2) erfc(x) for x in [0, normal_max / sqrt 2].
template <class T>
HOST_DEVICE CHAINRULE_INLINE T erfc_scaled(T x) {
  const T inverse = T(1) / (x + T(4));
  const T t = (x - T(4)) * inverse;
  const T residual = mul_add(-t, x, mul_add(T(-4), t + T(1), x));  // (x - 4) - t (x + 4)
  return inverse * erfc_polynomial(mul_add(residual, inverse, t));
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T normal_cdf(T z) {
  using F = format<T>;
  const T a = at_most(abs(z), F::normal_max);
  const T tail = erfc_scaled(a * F::sqrt_half_value) * T(0.5);
  const bool mirrored = z > T(0);
  return mul_add(exp_minus_half_square(a), select(mirrored, -tail, tail), select(mirrored, T(1), T(0)));
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T normal_pdf(T z) {
  using F = format<T>;
  return exp_minus_half_square(at_most(abs(z), F::normal_max)) * F::inv_sqrt_two_pi;
}

}  // namespace math
}  // namespace CHAINRULE_ISA
}  // namespace chainrule
