// Checks gradients against differences of the loss, for any graph and in double precision. The model is copied as
// doubles.
//
// In a direction d, the loss f has the derivative g·d, where g is the gradient from the backward pass. The check
// compares g·d with the five-point formula (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h for several h. The truncation
// error of the formula is h⁴ f⁽⁵⁾/30; its rounding error is about 2⁻⁵² f / h. The most certain estimate decides: the
// estimate with the smallest sum of its rounding error and its distance to the estimates with smaller h. If a gradient
// of zero would also agree with this estimate, the verdict is too_weak. Directions are random in all leaves (parameters
// and inputs) together, random in each leaf, and single elements.
//
// If a rule changes its formula within ±2h (a kink), the differences say nothing about the gradient, and this h is
// skipped. If all h are skipped, the verdict is kink. An operation may also have kinks that its rule does not declare.
// The check detects them by the one-sided differences: the distance between these does not shrink with h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/testing.h"
#include "runtime/plan_runner.h"

namespace chainrule {

struct GradientCheckSettings {
  // The number of random directions in all parameters and inputs together. In addition, each parameter and each input
  // gets one random direction of its own.
  int32_t directions = 3;
  // The number of single elements per parameter or input: the element with the largest derivative, then random
  // elements.
  int32_t coordinates = 3;
  // The tolerated relative error. A correct gradient is usually within 1e-9.
  double tolerance = 1e-6;
  uint64_t seed = 1;
};

// One element of a parameter, [row][column], or of an input, [sample][feature].
struct Coordinate {
  int32_t node = -1;
  int64_t row = 0;
  int64_t column = 0;
};

enum class Verdict : int32_t { agrees = 0, differs = 1, kink = 2, not_a_number = 3, too_weak = 4 };

// The outcome in one direction.
struct GradientFinding {
  Verdict verdict = Verdict::agrees;
  int32_t node = -1;  // a parameter or input; -1: all of them together
  int64_t row = -1;   // of a single element; -1: a random direction
  int64_t column = -1;
  double expected = 0;  // by differences; NaN if the differences give no value
  double found = 0;     // by the backward pass
  // |expected - found| relative to the larger of the two, or to the size below which differences detect no error.
  double error = 0;
  // If this is above 1, the differences are precise enough to detect a relative error of the tolerance.
  double strength = 0;
  int32_t kink = -1;  // the node whose rule changes its formula here; -1: unknown
};

class GradientCheck {
 public:
  // `loss` is a scalar of the model. The parameters are copied. The loss is computed as in the first training step.
  // `engine` computes the gradients; the CPU engine always computes the differences. `testing` modifies the plan of the
  // gradients.
  GradientCheck(const Model& model, int32_t loss, Backend& engine = cpu_backend(),
                const PlanTesting& testing = {});

  const std::shared_ptr<Model>& model() const { return model_; }  // the copy in doubles
  Inputs& inputs() { return inputs_; }                            // inputs of the copy, in doubles

  // Makes each run check this element in addition to those that it selects. run() throws InvalidArgument if the batch
  // has no such element or if the loss does not depend on its node.
  void choose(const Coordinate& coordinate);

  // Runs the check on the batch in inputs(). The findings of all leaves together come first, then those of each leaf in
  // the order of the graph. If a leaf differs in a direction, the element that differs most is searched for and also
  // reported.
  std::vector<GradientFinding> run(int64_t batch, const GradientCheckSettings& settings);

 private:
  friend class GradientCheckRun;
  const std::shared_ptr<Model> model_;
  const int32_t loss_;
  Backend& engine_;
  const PlanTesting testing_;
  Inputs inputs_;
  std::vector<Coordinate> chosen_;
};

// Returns the finding to report first. Findings rank by verdict: not_a_number first, then differs, then agrees, then
// all other verdicts. Among findings that differ, those of single elements rank first. Within a rank, returns the
// finding with the largest error. `findings` must not be empty.
const GradientFinding& worst(const std::vector<GradientFinding>& findings);

}  // namespace chainrule
