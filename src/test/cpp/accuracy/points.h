// The inputs of the sweeps.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "plan_run.h"

namespace test {

// Returns the number as text with all its digits.
template <class T>
std::string digits_of(T x) {
  std::ostringstream text;
  text.precision(std::numeric_limits<T>::max_digits10);
  text << x;
  return text.str();
}

// Adds x and its neighbours, up to `count` on each side.
template <class T>
void add_around(std::vector<T>& to, double x, int count) {
  T up = static_cast<T>(x), down = up;
  to.push_back(up);
  for (int i = 0; i < count; ++i) {
    to.push_back(up = std::nextafter(up, std::numeric_limits<T>::infinity()));
    to.push_back(down = std::nextafter(down, -std::numeric_limits<T>::infinity()));
  }
}

// Returns numbers of every exponent and both signs, with subnormals, zeros, infinities and NaN; the numbers around every
// point where a rule or ops/math.h takes another branch, saturates or has a zero; and `dense` numbers in the range where
// functions that contain an exponential are not constant.
template <class T>
std::vector<T> points(int dense, int per_exponent, uint64_t seed) {
  using Limits = std::numeric_limits<T>;
  Random random(seed);
  std::vector<T> all;
  const int lowest = Limits::min_exponent - Limits::digits;
  for (int exponent = lowest; exponent < Limits::max_exponent; ++exponent) {
    for (int i = 0; i < per_exponent; ++i) {
      const double fraction = i == 0   ? 1
                              : i == 1 ? 2 - static_cast<double>(Limits::epsilon())
                                       : random.uniform(1, 2);
      const T x = static_cast<T>(std::ldexp(static_cast<T>(fraction), exponent));
      all.push_back(x);
      all.push_back(-x);
    }
  }
  for (double x : {0.0,
                   0.25,
                   0.35,
                   0.5,
                   0.55,
                   0.6,
                   0.693147180559945,
                   0.70710678118654752,
                   0.7517915246935645,
                   1.0,
                   1.2784645427610738,
                   2.0,
                   4.0,
                   5.5,
                   8.0,
                   9.0,
                   10.0,
                   12.0,
                   13.0,
                   14.4,
                   15.0,
                   16.6,
                   17.3,
                   18.0,
                   18.7,
                   19.1,
                   20.0,
                   36.0,
                   36.7,
                   37.4,
                   38.0,
                   38.5,
                   38.7,
                   44.0,
                   87.0,
                   87.3365478515625,
                   88.0,
                   88.72283905206835,
                   89.0,
                   103.0,
                   103.97208,
                   104.0,
                   127.0,
                   708.3964185322641,
                   709.0,
                   709.782712893384,
                   710.0,
                   745.0,
                   745.1332191019411,
                   746.0,
                   1.4142135623730951}) {
    add_around(all, x, 4);
    add_around(all, -x, 4);
  }
  for (T x : {T(0), -T(0), Limits::max(), Limits::lowest(), Limits::min(), -Limits::min(), Limits::infinity(),
              -Limits::infinity(), Limits::quiet_NaN()}) {
    all.push_back(x);
  }
  for (int i = 0; i < dense; ++i) {
    const double wide = sizeof(T) == 4 ? 106 : 750, range = i % 4 == 0   ? wide
                                                            : i % 4 == 1 ? 40
                                                            : i % 4 == 2 ? 12
                                                                         : 2;
    all.push_back(static_cast<T>(random.uniform(-range, range)));
  }
  return all;
}

// Returns the values of δ with which backward is measured: 1, a number that rounds every product, and numbers with which
// products in the wrong order overflow or underflow.
template <class T>
std::vector<T> deltas() {
  const int exponent = sizeof(T) == 4 ? 70 : 500;
  return {T(1), T(-0.7), static_cast<T>(std::ldexp(1.3, -exponent)),
          static_cast<T>(std::ldexp(1.7, exponent))};
}

}  // namespace test
