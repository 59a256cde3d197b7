// The moving averages of the rules: a ← β a + (1 - β) x, and the correction 1 - βᵗ of their bias.
// If β is near 1, the float nearest to β may be 1; otherwise, subtracting it from 1 gives only a few correct digits of
// 1 - β. Therefore 1 - β is computed from the double β and rounded once. In float, with_square() uses β as the sum of
// two floats.
#pragma once

#include <cmath>

#include "util/host_device.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

template <class T>
class MovingAverage {
 public:
  // `factor` is β.
  HOST_DEVICE explicit MovingAverage(double factor) : MovingAverage(factor, 1 - factor) {}
  // a ← β a + `weight` x, for with_square() only: with() requires `weight` = 1 - β.
  HOST_DEVICE MovingAverage(double factor, double weight)
      : factor_(static_cast<T>(is_double ? factor : factor * below_1)),
        rest_(static_cast<T>(factor - static_cast<double>(factor_))),
        nearest_(static_cast<T>(factor)),
        weight_(static_cast<T>(weight)),
        mostly_old_(factor >= 0.5) {}

  // Returns the average after adding x; `difference` is x - average. To keep the rounding error small, it starts from
  // whichever of average and x has the larger weight, and so adds at most half of the difference.
  HOST_DEVICE T with(T average, T x, T difference) const {
    return mostly_old_ ? average + weight_ * difference : x - nearest_ * difference;
  }
  HOST_DEVICE T with(T average, T x) const { return with(average, x, x - average); }

  // Returns the average of squares after x². An average that has overflowed stays infinite if β > 0; with
  // β = 0 it becomes NaN.
  HOST_DEVICE T with_square(T average, T x) const {
    if constexpr (is_double) {
      return factor_ * average + weight_ * x * x;
    } else {
      return factor_ * average + (rest_ * average + weight_ * x * x);
    }
  }

 private:
  // Multiplying β > 0 by this makes `rest_` positive. A negative rest would turn an infinite average into NaN.
  static constexpr double below_1 = 1 - 0x1p-23;
  static constexpr bool is_double = sizeof(T) == sizeof(double);
  T factor_, rest_;  // their sum is β
  T nearest_, weight_;
  bool mostly_old_;
};

// Returns 1 - βᵗ with an error of about one ulp of a double, or less if long double is longer. Powers are pairs of
// doubles, because if β is near 1 the subtraction from 1 cancels most of their digits.
inline long double one_minus_power(double factor, double t) {
  struct Pair {
    double high, low;
    Pair times(Pair by) const {
      const double product = high * by.high;
      const double error = std::fma(high, by.high, -product) + (high * by.low + low * by.high);
      const double sum = product + error;
      return {sum, error - (sum - product)};
    }
  };
  Pair result{1, 0}, power{factor, 0};
  while (true) {
    const double half = std::floor(t / 2);
    if (t != 2 * half) result = result.times(power);
    if (half == 0) break;
    t = half;
    power = power.times(power);
    if (power.high < 1e-25) return 1;  // βᵗ is smaller still, so 1 - βᵗ rounds to 1
  }
  const double difference = 1 - result.high;
  return static_cast<long double>(difference) + ((1 - difference - result.high) - result.low);
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
