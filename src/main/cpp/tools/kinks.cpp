#include "tools/kinks.h"

#include "graph/backward.h"
#include "ops/rules.h"

namespace chainrule {

Kinks::Kinks(const Graph& graph, int32_t loss) : graph_(graph) {
  const std::vector<bool> needed = needed_for(graph, {loss});
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (!needed[static_cast<size_t>(id)] || !traits_of(graph.node(id).op).kink) continue;
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
    const bool loss = kind_of(node.op) == Kind::loss;
    const double *z = next(), *y = loss ? next() : nullptr, c = node.constant;
    const int64_t count = run.count(node.inputs[0]);
    auto add = [&](auto side) {
      for (int64_t i = 0; i < count; ++i) sides.push_back(static_cast<int8_t>(side(i)));
      return 0;
    };
    auto of_unary = [&](auto rule) {
      using Rule = decltype(rule);
      if constexpr (has_side<Rule>(0)) return add([=](int64_t i) { return Rule::side(z[i], c); });
      return 0;
    };
    auto of_loss = [&](auto rule) {
      using Rule = decltype(rule);
      if constexpr (has_side<Rule>(0)) return add([=](int64_t i) { return Rule::side(z[i], y[i], c); });
      return 0;
    };
    loss ? visit_loss(node.op, 0, of_loss) : visit_unary(node.op, 0, of_unary);
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
