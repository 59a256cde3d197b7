// Runs the gradient check of tools/gradient_check.h on the random values of a test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "plan_run.h"
#include "tools/gradient_check.h"

namespace test {

// Writes the values of a test to a model's parameters and inputs.
inline void set_values(const Values& values, int64_t batch, Model* model, Inputs* inputs) {
  const Graph& graph = model->graph();
  for (int32_t id : graph.parameters()) {
    model->write_parameter(id, values[at(id)].data(), static_cast<int64_t>(values[at(id)].size()));
  }
  for (size_t slot = 0; slot < graph.data_nodes().size(); ++slot) {
    const int32_t id = graph.data_nodes()[slot];
    char* to = inputs->reserve(static_cast<int32_t>(slot), batch);
    if (graph.node(id).op == Op::label) {
      std::copy(values[at(id)].begin(), values[at(id)].end(), reinterpret_cast<int32_t*>(to));
    } else {
      with_type(model->dtype(), to, [&](auto* typed) {
        convert(typed, values[at(id)].data(), static_cast<int64_t>(values[at(id)].size()));
      });
    }
  }
}

struct CheckedGradients {
  std::vector<GradientFinding> findings;
  const Graph* graph;

  bool any(Verdict verdict) const {
    return std::any_of(findings.begin(), findings.end(), [=](const auto& f) { return f.verdict == verdict; });
  }
  bool passed() const {
    return any(Verdict::agrees) && !any(Verdict::differs) && !any(Verdict::kink) &&
           !any(Verdict::not_a_number);
  }
  // Returns the largest derivative, in units of the rounding error. The check can see derivatives above 1.
  double strongest() const {
    double most = 0;
    for (const GradientFinding& f : findings) most = std::max(most, f.strength);
    return most;
  }
  std::string text() const {
    const GradientFinding& f = worst(findings);
    const auto kinks = std::count_if(findings.begin(), findings.end(),
                                     [](const auto& one) { return one.verdict == Verdict::kink; });
    return message(kinks, " of ", findings.size(), " at kinks, verdict ", static_cast<int32_t>(f.verdict),
                   " in ", f.node < 0 ? std::string("all") : graph->describe(f.node), "[", f.row, ", ",
                   f.column, "]: error ", f.error, ", backward gives ", f.found, ", differences give ",
                   f.expected);
  }
};

inline CheckedGradients check_gradients(const Graph& graph, int32_t loss, int64_t batch, const Values& values,
                                        const GradientCheckSettings& settings,
                                        const PlanTesting& testing = {}, Backend& engine = cpu_backend()) {
  Model model(graph, DType::float64, 0);
  GradientCheck check(model, loss, engine, testing);
  set_values(values, batch, check.model().get(), &check.inputs());
  return {check.run(batch, settings), &graph};
}

}  // namespace test
