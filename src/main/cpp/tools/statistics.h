// Numbers about each node of a graph on a batch, for people: is something vanishing, exploding, dead?
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/inspection.h"

namespace chainrule {

struct NodeStatistics {
  int32_t node = -1;
  int64_t count = 0;  // values
  double minimum = 0, maximum = 0, mean = 0;
  double standard_deviation = 0;  // the root of the mean squared distance from the mean
  // Norms ‖·‖₂ over all values. NaN: the node has no δ; it is no parameter.
  double delta_norm = std::numeric_limits<double>::quiet_NaN();
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();
};

// Of the nodes that an inspection computed, and of the labels it read, in the order of the graph. All are NaN where one
// of the values is.
std::vector<NodeStatistics> statistics(const Model& model, const Inspection& inspection, const Inputs& inputs,
                                       const std::vector<bool>& needed);

}  // namespace chainrule
