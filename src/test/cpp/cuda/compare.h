// What tests compare the CUDA engine's numbers with the CPU's by.
#pragma once

#include <cmath>
#include <vector>

#include "plan_run.h"

namespace test {

// The norm of the difference by the norm of what is expected: NaN where a value is.
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

// By norms, so that sums in which terms cancel stay below: 2^-24 = 6e-8 an operation for float, 2^-53 for double.
constexpr double float_tolerance = 5e-5, double_tolerance = 1e-12;

}  // namespace test
