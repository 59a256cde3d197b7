// The reverse walk of backpropagation. δ of a node is dL/d(its value). It starts with 1 at the loss; every node, from
// the end to the start, turns its δ into parts for its inputs, and a node's parts add up.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace chainrule {

// What the walk calls. Whoever implements it holds the δs and adds their parts up.
class BackwardRules {
 public:
  virtual ~BackwardRules() = default;

  // All parts of this node's δ have arrived.
  virtual void complete(int32_t node) = 0;

  // Adds (d node / d input)ᵀ δ to the δ of the node's input number `index`.
  virtual void backward(int32_t node, int32_t index) = 0;
};

// Which nodes `outputs` are computed from, themselves included.
std::vector<bool> needed_for(const Graph& graph, const std::vector<int32_t>& outputs);

// Which nodes need a δ so that the leaves `wrt` get theirs: those on a path from such a leaf to the loss.
std::vector<bool> needs_delta(const Graph& graph, int32_t loss, const std::vector<int32_t>& wrt);

// Walks from the loss to the leaves over the nodes marked in `delta`.
void walk_backward(const Graph& graph, int32_t loss, const std::vector<bool>& delta, BackwardRules& rules);

}  // namespace chainrule
