// Gradients against differences of the loss, in double. For any graph; a model of floats is copied.
//
// In a direction d the loss f has the derivative g·d, g being the gradient of the backward pass. It is compared with the
// five-point formula  (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h  for several h: its error is h⁴ f⁽⁵⁾/30, that of rounding
// about 2⁻⁵² f / h. The h that is most certain decides: the one with the smallest sum of what rounding may do and of the
// distance to what smaller h give. Where a gradient of zero would agree as well, nothing is told. Directions are random ones in all leaves, random ones in each leaf, and single elements.
//
// Where a rule changes its formula within ±2h there is nothing to compare with: such an h is passed over, and a kink
// is reported when all are. For operations that are not known to have kinks, one shows in the one-sided differences: they
// keep their distance while h shrinks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "plan/testing.h"
#include "runtime/plan_runner.h"

namespace chainrule {

struct GradientCheckSettings {
  int32_t directions = 3;   // random ones in all parameters and inputs together, and one in each for itself
  int32_t coordinates = 3;  // single elements of each: the one with the largest derivative, then random ones
  double tolerance = 1e-6;  // of the relative error; a correct gradient is usually within 1e-9
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
  double expected = 0;  // by differences; what cannot be told is NaN
  double found = 0;     // by the backward pass
  double error = 0;     // |expected - found| relative to the larger, or to what the differences can hide
  double strength = 0;  // above 1 the differences are certain enough to see a relative error of the tolerance
  int32_t kink = -1;    // the node whose rule changes its formula here; -1: not known
};

class GradientCheck {
 public:
  // `loss` is a scalar of the model, whose parameters are copied; it is computed as in the first training step. `engine`
  // computes the gradients; the processor always computes the differences. `testing` shapes the plan of the gradients.
  GradientCheck(const Model& model, int32_t loss, Backend& engine = cpu_backend(),
                const PlanTesting& testing = {});

  const std::shared_ptr<Model>& model() const { return model_; }  // the copy in double
  Inputs& inputs() { return inputs_; }                            // of the copy

  // Also checks this element, in each run. run() refuses one that the batch does not have, or that is of a node
  // which the loss does not depend on.
  void choose(const Coordinate& coordinate);

  // Checks on the batch in inputs(). The findings of all together come first, then those of each leaf in the order of
  // the graph. Where a leaf differs in a direction, its element that differs most is looked for and reported too.
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

// The finding that a reader should see first: what is not a number, else what differs most, else the largest error.
// `findings` has one at least.
const GradientFinding& worst(const std::vector<GradientFinding>& findings);

}  // namespace chainrule
