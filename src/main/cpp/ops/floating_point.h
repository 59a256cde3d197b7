// The layout and the constants of floating-point numbers, and functions on their bits, from which ops/math.h is built.
// Like the functions there, they contain no branch, table, library call or intrinsic, so that GCC vectorises loops over
// them.
#pragma once

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {
namespace math {

// The layout and the constants of a floating-point type.
template <class T>
struct format;

template <>
struct format<float> {
  using bits = unsigned int;
  static constexpr int fraction_bits = 23;
  static constexpr bits bias = 127;
  static constexpr bits fraction_mask = 0x007fffffu;
  static constexpr bits sign_mask = 0x80000000u;
  static constexpr bits upper_half_mask = 0xfffff000u;
  static constexpr bits one = 0x3f800000u;
  static constexpr bits sqrt_half = 0x3f3504f3u;
  static constexpr float infinity = __builtin_huge_valf();
  static constexpr float nan = __builtin_nanf("");
  static constexpr float min_normal = 0x1p-126f;
  static constexpr float subnormal_scale = 0x1p24f;
  static constexpr float subnormal_exponent = 24;
  static constexpr float integer_magic = 0x1p23f;
  static constexpr float round_magic = 0x1.8p23f;
  static constexpr bits round_magic_bits = 0x4b400000u;
  static constexpr bits integer_magic_bits = 0x4b000000u;
  static constexpr float log2_e = 0x1.715476p+0f;
  static constexpr float ln2_high = 0x1.62e4p-1f;
  static constexpr float ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float sqrt_half_value = 0x1.6a09e6p-1f;
  static constexpr float inv_sqrt_two_pi = 0x1.988454p-2f;
  static constexpr float exp_min = -104;
  static constexpr float exp_max = 89;
  static constexpr float expm1_min = -18;
  static constexpr float tiny = 0x1p-60f;
  static constexpr float normal_max = 14.4f;
};

template <>
struct format<double> {
  using bits = unsigned long long;
  static constexpr int fraction_bits = 52;
  static constexpr bits bias = 1023;
  static constexpr bits fraction_mask = 0x000fffffffffffffull;
  static constexpr bits sign_mask = 0x8000000000000000ull;
  static constexpr bits upper_half_mask = 0xfffffffff8000000ull;
  static constexpr bits one = 0x3ff0000000000000ull;
  static constexpr bits sqrt_half = 0x3fe6a09e667f3bcdull;
  static constexpr double infinity = __builtin_huge_val();
  static constexpr double nan = __builtin_nan("");
  static constexpr double min_normal = 0x1p-1022;
  static constexpr double subnormal_scale = 0x1p54;
  static constexpr double subnormal_exponent = 54;
  static constexpr double integer_magic = 0x1p52;
  static constexpr double round_magic = 0x1.8p52;
  static constexpr bits round_magic_bits = 0x4338000000000000ull;
  static constexpr bits integer_magic_bits = 0x4330000000000000ull;
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa4p-1;
  static constexpr double ln2_low = -0x1.8432a1b0e2634p-43;
  static constexpr double sqrt_half_value = 0x1.6a09e667f3bcdp-1;
  static constexpr double inv_sqrt_two_pi = 0x1.9884533d43651p-2;
  static constexpr double exp_min = -746;
  static constexpr double exp_max = 710;
  static constexpr double expm1_min = -38;
  static constexpr double tiny = 0x1p-60;
  static constexpr double normal_max = 38.7;
};

// Bit casts. GCC vectorises both memcpy and __builtin_bit_cast. memcpy works with every compiler.
HOST_DEVICE CHAINRULE_INLINE unsigned int to_bits(float x) {
#ifdef __CUDA_ARCH__
  return __float_as_uint(x);
#else
  unsigned int b;
  __builtin_memcpy(&b, &x, sizeof b);
  return b;
#endif
}

HOST_DEVICE CHAINRULE_INLINE unsigned long long to_bits(double x) {
#ifdef __CUDA_ARCH__
  return static_cast<unsigned long long>(__double_as_longlong(x));
#else
  unsigned long long b;
  __builtin_memcpy(&b, &x, sizeof b);
  return b;
#endif
}

HOST_DEVICE CHAINRULE_INLINE float from_bits(unsigned int b) {
#ifdef __CUDA_ARCH__
  return __uint_as_float(b);
#else
  float x;
  __builtin_memcpy(&x, &b, sizeof x);
  return x;
#endif
}

HOST_DEVICE CHAINRULE_INLINE double from_bits(unsigned long long b) {
#ifdef __CUDA_ARCH__
  return __longlong_as_double(static_cast<long long>(b));
#else
  double x;
  __builtin_memcpy(&x, &b, sizeof x);
  return x;
#endif
}

// Returns a * b + c, rounded once with FMA and twice without. Every sum that contains a product calls this function. If
// the compiler chose what to contract, it could choose differently in a loop's vector body and in its scalar remainder.
#if defined(__CUDA_ARCH__)
constexpr bool has_fma = true;
HOST_DEVICE CHAINRULE_INLINE float mul_add(float a, float b, float c) { return __fmaf_rn(a, b, c); }
HOST_DEVICE CHAINRULE_INLINE double mul_add(double a, double b, double c) { return __fma_rn(a, b, c); }
#elif defined(__FMA__) || defined(__ARM_FEATURE_FMA)
constexpr bool has_fma = true;
HOST_DEVICE CHAINRULE_INLINE float mul_add(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
HOST_DEVICE CHAINRULE_INLINE double mul_add(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
constexpr bool has_fma = false;
HOST_DEVICE CHAINRULE_INLINE float mul_add(float a, float b, float c) { return a * b + c; }
HOST_DEVICE CHAINRULE_INLINE double mul_add(double a, double b, double c) { return a * b + c; }
#endif

// Returns a mask of ones if the condition holds, otherwise 0. Both results are constants, so GCC has no computation
// that it could move into a branch. SSE2 has no 64-bit integer compare; a mask that is selected as a double still
// vectorises.
HOST_DEVICE CHAINRULE_INLINE format<float>::bits mask_of(bool condition, float) {
  return condition ? ~0u : 0u;
}
HOST_DEVICE CHAINRULE_INLINE format<double>::bits mask_of(bool condition, double) {
#if defined(__SSE2__) && !defined(__AVX2__)
  return to_bits(condition ? from_bits(~0ull) : 0.0);
#else
  return condition ? ~0ull : 0ull;
#endif
}

// Returns condition ? a : b, computed on the bits. With a plain ?: GCC 12 moves the computation of `a` into a branch.
// Because arithmetic can trap, GCC cannot undo that, and the loop stays scalar (unless built with -fno-trapping-math).
template <class T>
HOST_DEVICE CHAINRULE_INLINE T select(bool condition, T a, T b) {
#ifdef __CUDA_ARCH__
  return condition ? a : b;
#else
  const typename format<T>::bits mask = mask_of(condition, a);
  return from_bits((to_bits(a) & mask) | (to_bits(b) & ~mask));
#endif
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T abs(T x) {
  return from_bits(to_bits(x) & ~format<T>::sign_mask);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T copy_sign(T magnitude, T sign) {
  using F = format<T>;
  return from_bits((to_bits(magnitude) & ~F::sign_mask) | (to_bits(sign) & F::sign_mask));
}

// at_most and at_least return a NaN unchanged, because every comparison with a NaN is false.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T at_most(T x, T limit) {
  return select(limit < x, limit, x);
}

template <class T>
HOST_DEVICE CHAINRULE_INLINE T at_least(T x, T limit) {
  return select(limit > x, limit, x);
}

// Returns 2^(biased - bias), for 0 < biased < 2 bias + 2; infinity if biased = 2 bias + 1.
template <class T>
HOST_DEVICE CHAINRULE_INLINE T power_of_two(typename format<T>::bits biased) {
  return from_bits(static_cast<typename format<T>::bits>(biased << format<T>::fraction_bits));
}

}  // namespace math
}  // namespace CHAINRULE_ISA
}  // namespace chainrule
