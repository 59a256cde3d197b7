// The unit of the accuracy tests, and the record of the worst error.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace test {

// The type in which the exact values for T are computed. It has more digits and more exponents than T, so that neither
// its rounding errors nor its range matter.
template <class T>
struct WiderThan;
template <>
struct WiderThan<float> {
  using type = double;
};
template <>
struct WiderThan<double> {
  using type = long double;
};
template <class T>
using Wide = typename WiderThan<T>::type;
static_assert(std::numeric_limits<long double>::digits >= 64, "the reference for double needs a wider type");

// Returns the error of `got` in ulps of T at the larger of |exact| and `term`. `term` is the formula's largest term if
// terms of opposite sign cancel, otherwise 0. If both are below the smallest normal number times `factor`, only an
// error of at least that number counts. `factor` is |δ|, for a derivative that is multiplied by δ, and at least 1.
// Infinity stands for the first power of 2 that T does not hold. A NaN is right only if the exact value is NaN.
template <class T>
double error_in_ulps(T got, Wide<T> exact, Wide<T> term = 0, Wide<T> factor = 1) {
  using W = Wide<T>;
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact)) return std::isnan(got) ? 0 : INFINITY;
  if (std::isnan(got)) return INFINITY;
  if (std::isinf(exact)) return static_cast<W>(got) == exact ? 0 : INFINITY;
  const W bound = static_cast<W>(Limits::max()) * (1 + static_cast<W>(Limits::epsilon()) / 2);
  const W value = std::min(std::max(static_cast<W>(got), -bound), bound);
  exact = std::min(std::max(exact, -bound), bound);
  const W difference = std::abs(value - exact);
  if (difference == 0) return 0;
  const W least = static_cast<W>(Limits::min()) * std::max(factor, W(1));
  if (std::max(std::abs(exact), term) <= least && difference < least) return 0;
  const W size = std::min(std::max(std::abs(exact), term), static_cast<W>(Limits::max()));
  int exponent = Limits::min_exponent;
  if (size > static_cast<W>(Limits::min())) std::frexp(size, &exponent);
  return static_cast<double>(std::ldexp(difference, Limits::digits - exponent));
}

// The largest error so far and where it is.
struct Worst {
  double ulps = 0;
  std::string where;

  // `text` returns a description of the input. It is called only for a new maximum.
  template <class Text>
  void add(double error, Text text) {
    if (!(error > ulps)) return;
    ulps = error;
    where = text();
  }
  void add(const Worst& other) {
    if (other.ulps > ulps) *this = other;
  }
};

// The worst errors of a registry's entry, for float and double. For an optimizer, `forward` is the error of the
// parameter and `backward` that of the states.
struct Measured {
  Worst forward[2], backward[2];
};

template <class T>
constexpr int type_index = sizeof(T) == 4 ? 0 : 1;

}  // namespace test
