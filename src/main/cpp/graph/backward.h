// The reverse walk of backpropagation. The δ of a node is the derivative of the loss with respect to the node's value;
// δ of the loss is 1. The walk visits the nodes from the loss back to the leaves. Each node computes from its δ a
// contribution to the δ of each of its inputs. The δ of a node is the sum of these contributions.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace chainrule {

// The functions that the walk calls. An implementation stores the δs and sums the contributions.
class BackwardRules {
 public:
  virtual ~BackwardRules() = default;

  // Called when all contributions to this node's δ have been added, before its backward() calls.
  virtual void complete(int32_t node) = 0;

  // Adds (d node / d input)ᵀ δ to the δ of the node's input number `index`.
  virtual void backward(int32_t node, int32_t index) = 0;
};

// Returns true, by node, if one of `outputs` depends on the node or is the node.
std::vector<bool> needed_for(const Graph& graph, const std::vector<int32_t>& outputs);

// Returns true, by node, if the node is on a path from one of the nodes `wrt` to the loss, both ends included. These
// nodes need a δ if the δs of `wrt` are to be computed.
std::vector<bool> needs_delta(const Graph& graph, int32_t loss, const std::vector<int32_t>& wrt);

// Visits the nodes marked in `delta` from the loss to the leaves.
void walk_backward(const Graph& graph, int32_t loss, const std::vector<bool>& delta, BackwardRules& rules);

}  // namespace chainrule
