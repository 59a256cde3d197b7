// The reverse walk of backpropagation. δ of a node is dL/d(its value); δ of the loss is 1. The walk visits the nodes
// from the loss back to the leaves. Each node computes from its δ one part of the δ of each of its inputs. The δ of a
// node is the sum of its parts.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace chainrule {

// The functions that the walk calls. An implementation stores the δs and sums their parts.
class BackwardRules {
 public:
  virtual ~BackwardRules() = default;

  // Called when all parts of this node's δ have been added, before its backward() calls.
  virtual void complete(int32_t node) = 0;

  // Adds (d node / d input)ᵀ δ to the δ of the node's input number `index`.
  virtual void backward(int32_t node, int32_t index) = 0;
};

// Returns, by node, whether `outputs` depend on the node. The outputs themselves are included.
std::vector<bool> needed_for(const Graph& graph, const std::vector<int32_t>& outputs);

// Returns, by node, whether the node needs a δ to compute the δs of the nodes `wrt`. These are the nodes on a path from
// one of `wrt` to the loss.
std::vector<bool> needs_delta(const Graph& graph, int32_t loss, const std::vector<int32_t>& wrt);

// Visits the nodes marked in `delta` from the loss to the leaves.
void walk_backward(const Graph& graph, int32_t loss, const std::vector<bool>& delta, BackwardRules& rules);

}  // namespace chainrule
