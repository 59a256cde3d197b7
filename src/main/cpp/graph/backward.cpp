#include "graph/backward.h"

namespace chainrule {

std::vector<bool> needed_for(const Graph& graph, const std::vector<int32_t>& outputs) {
  std::vector<bool> needed(static_cast<size_t>(graph.size()), false);
  for (int32_t output : outputs) needed[static_cast<size_t>(output)] = true;
  for (int32_t id = graph.size() - 1; id >= 0; --id) {
    if (!needed[static_cast<size_t>(id)]) continue;
    for (int32_t input : graph.node(id).inputs) needed[static_cast<size_t>(input)] = true;
  }
  return needed;
}

std::vector<bool> needs_delta(const Graph& graph, int32_t loss, const std::vector<int32_t>& wrt) {
  std::vector<bool> depends(static_cast<size_t>(graph.size()), false);
  for (int32_t leaf : wrt) depends[static_cast<size_t>(leaf)] = true;
  for (int32_t id = 0; id < graph.size(); ++id) {
    for (int32_t input : graph.node(id).inputs) {
      if (depends[static_cast<size_t>(input)]) depends[static_cast<size_t>(id)] = true;
    }
  }
  std::vector<bool> delta = needed_for(graph, {loss});
  for (size_t id = 0; id < delta.size(); ++id) delta[id] = delta[id] && depends[id];
  return delta;
}

void walk_backward(const Graph& graph, int32_t loss, const std::vector<bool>& delta, BackwardRules& rules) {
  for (int32_t id = loss; id >= 0; --id) {
    if (!delta[static_cast<size_t>(id)]) continue;
    rules.complete(id);
    const std::vector<int32_t>& inputs = graph.node(id).inputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (delta[static_cast<size_t>(inputs[i])]) rules.backward(id, static_cast<int32_t>(i));
    }
  }
}

}  // namespace chainrule
