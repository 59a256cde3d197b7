// Determines on which side of each kink the values of a batch are, for all elements of all operations with kinks. A
// kink is a point at which an operation's rule changes its formula, such as relu at 0.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

class Kinks {
 public:
  Kinks(const Graph& graph, int32_t loss);

  // The nodes whose values determine the sides. They must be the first outputs of the plans that are passed to sides().
  const std::vector<int32_t>& watched() const { return watched_; }

  // Returns a number per element that identifies its side, for the values of the last run of a plan in double
  // precision.
  std::vector<int8_t> sides(const PlanRunner& run) const;

  // Returns the node of the first element whose sides in `a` and `b` differ, or -1.
  int32_t first_difference(const PlanRunner& run, const std::vector<int8_t>& a,
                           const std::vector<int8_t>& b) const;

 private:
  const Graph& graph_;
  std::vector<int32_t> nodes_;    // the nodes with kinks
  std::vector<int32_t> watched_;  // the inputs of nodes_, in order
};

}  // namespace chainrule
