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

// The numbers of step t = 1, 2, ... of a training.
inline UpdateScalars scalars(const UpdateRule& rule, int t, double learning_rate, double epsilon) {
  UpdateScalars by;
  by.learning_rate = learning_rate;
  by.momentum = rule.momentum;
  by.nesterov = rule.nesterov;
  by.weight_decay = rule.weight_decay;
  by.decoupled = rule.kind == OptimizerKind::adamw;
  by.beta1 = 0.9, by.beta2 = 0.99, by.epsilon = epsilon;
  by.correction1 = 1 / (1 - std::pow(0.9, t)), by.correction2 = 1 / (1 - std::pow(0.99, t));
  return by;
}

}  // namespace test
