// Statistics of the nodes of a graph on a batch. They show whether values or gradients vanish, explode or stay 0.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "runtime/inspection.h"

namespace chainrule {

struct NodeStatistics {
  int32_t node = -1;
  int64_t count = 0;  // number of values
  double minimum = 0, maximum = 0, mean = 0;
  double standard_deviation = 0;  // square root of the mean squared distance from the mean
  // Norms ‖·‖₂ over all values. delta_norm is NaN if the node has no δ, gradient_norm if it is not a parameter.
  double delta_norm = std::numeric_limits<double>::quiet_NaN();
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();
};

// Returns the statistics of the needed nodes, in the order of the graph. The inspection must have computed them; labels
// are read from `inputs`. All statistics of a node's values are NaN if one of its values is NaN.
std::vector<NodeStatistics> statistics(const Model& model, const Inspection& inspection, const Inputs& inputs,
                                       const std::vector<bool>& needed);

}  // namespace chainrule
