#include "tools/kinks.h"

#include "graph/backward.h"

namespace chainrule {

namespace {

// relu, leaky_relu and elu change at z = 0, huber at |prediction - target| = delta.
bool has_kink(Op op) { return op == Op::relu || op == Op::leaky_relu || op == Op::elu || op == Op::huber; }

}  // namespace

Kinks::Kinks(const Graph& graph, int32_t loss) : graph_(graph) {
  const std::vector<bool> needed = needed_for(graph, {loss});
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (!needed[static_cast<size_t>(id)] || !has_kink(graph.node(id).op)) continue;
    nodes_.push_back(id);
    for (int32_t input : graph.node(id).inputs) watched_.push_back(input);
  }
}

std::vector<int8_t> Kinks::sides(const PlanRunner& run) const {
  std::vector<int8_t> sides;
  size_t output = 0;
  for (int32_t id : nodes_) {
    const Node& node = graph_.node(id);
    auto next = [&] { return reinterpret_cast<const double*>(run.value(output++)); };
    const bool huber = node.op == Op::huber;
    const double *z = next(), *y = huber ? next() : nullptr;
    const int64_t count = run.count(node.inputs[0]);
    for (int64_t i = 0; i < count; ++i) {
      const double e = huber ? z[i] - y[i] : z[i], c = huber ? node.constant : 0;
      sides.push_back(e > c ? 1 : e < -c ? -1 : 0);
    }
  }
  return sides;
}

int32_t Kinks::first_difference(const PlanRunner& run, const std::vector<int8_t>& a,
                                const std::vector<int8_t>& b) const {
  size_t i = 0;
  for (int32_t id : nodes_) {
    const size_t end = i + static_cast<size_t>(run.count(graph_.node(id).inputs[0]));
    for (; i < end; ++i) {
      if (a[i] != b[i]) return id;
    }
  }
  return -1;
}

}  // namespace chainrule
