// The distance and the tolerances with which tests compare the CUDA engine's numbers with the CPU's.
#pragma once

#include <cmath>
#include <vector>

#include "plan_run.h"

namespace test {

// Returns the norm of the difference divided by the norm of the expected values. Returns NaN if a value is NaN, and
// infinity if the sizes differ.
template <class T>
double distance(const std::vector<T>& values, const std::vector<double>& expected) {
  if (values.size() != expected.size()) return INFINITY;
  double difference = 0, norm = 1e-30;
  for (size_t i = 0; i < values.size(); ++i) {
    const double error = static_cast<double>(values[i]) - expected[i];
    difference += error * error;
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

// Bounds of distance(). Rounding errors are 2^-24 = 6e-8 per operation for float and 2^-53 for double. Relative to the
// norm, elements whose terms cancel do not exceed the bounds.
constexpr double float_tolerance = 5e-5, double_tolerance = 1e-12;

}  // namespace test
