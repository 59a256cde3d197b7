// On which side of each kink a batch lies, for all elements of all operations that have one.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

class Kinks {
 public:
  Kinks(const Graph& graph, int32_t loss);

  // The nodes whose values tell the sides: the first outputs of the plans that are asked.
  const std::vector<int32_t>& watched() const { return watched_; }

  // One number an element, of the last run of a plan in double.
  std::vector<int8_t> sides(const PlanRunner& run) const;

  // The node of the first element whose sides differ, or -1.
  int32_t first_difference(const PlanRunner& run, const std::vector<int8_t>& a,
                           const std::vector<int8_t>& b) const;

 private:
  const Graph& graph_;
  std::vector<int32_t> nodes_;    // that have kinks
  std::vector<int32_t> watched_;  // their inputs, in order
};

}  // namespace chainrule
