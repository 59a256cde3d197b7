#include "runtime/inspection.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "graph/backward.h"
#include "util/check.h"

namespace chainrule {

Fault first_fault(const Graph& graph, DType dtype, int32_t node, const char* values, int64_t count) {
  Fault fault;
  with_type(dtype, values, [&](auto* typed) {
    auto* end = typed + count;
    auto* found = std::find_if(typed, end, [](auto value) { return !std::isfinite(value); });
    if (found == end) return;
    const Shape& shape = graph.node(node).shape;
    const int64_t at = found - typed, width = shape.batched ? shape.elements() : shape.columns;
    fault.found = true;
    fault.node = node;
    fault.row = at / width;
    fault.column = at % width;
    fault.value = static_cast<double>(*found);
  });
  return fault;
}

Fault first_fault(const Model& model, const Inputs& inputs, const Plan& plan, int64_t batch) {
  const Graph& graph = model.graph();
  for (int32_t slot = 0; slot < inputs.slots(); ++slot) {
    const int32_t id = graph.data_nodes()[static_cast<size_t>(slot)];
    if (!plan.reads_slot[static_cast<size_t>(slot)] || graph.node(id).op == Op::label) continue;
    const Fault fault =
        first_fault(graph, model.dtype(), id, inputs.data(slot), batch * graph.node(id).shape.rows);
    if (fault.found) return fault;
  }
  return {};
}

std::string cause(const Fault& in_data, const Graph& graph, const std::string& place) {
  if (in_data.found) return message(", for ", describe(in_data, graph), place);
  return "; the data are finite: a trainer with checking(true) names the node where it begins";
}

std::string describe(const Fault& fault, const Graph& graph) {
  const bool batched = graph.node(fault.node).shape.batched;
  return message(graph.describe(fault.node), " is ", fault.value, " at ", batched ? "batch row " : "row ",
                 fault.row, batched ? ", feature " : ", column ", fault.column);
}

Inspection::Inspection(std::shared_ptr<const Model> model, std::vector<int32_t> outputs, int32_t loss)
    : model_(std::move(model)) {
  const Graph& graph = model_->graph();
  request_.loss = loss;
  request_.training = loss >= 0;
  if (loss >= 0) outputs.push_back(loss);
  const std::vector<bool> needed = needed_for(graph, outputs);
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (needed[static_cast<size_t>(id)] && graph.node(id).op != Op::label) request_.outputs.push_back(id);
  }
  if (loss < 0) return;
  std::vector<int32_t> leaves = graph.parameters();
  for (int32_t id : graph.data_nodes()) {
    if (graph.node(id).op == Op::input) leaves.push_back(id);
  }
  const std::vector<bool> delta = needs_delta(graph, loss, leaves);
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (delta[static_cast<size_t>(id)]) request_.deltas.push_back(id);
  }
  request_.backward = !request_.deltas.empty();
}

void Inspection::run(const char* operation, Inputs& inputs, int64_t first, int64_t batch,
                     int64_t steps_before) {
  REQUIRE(batch > 0, operation, ": expected a batch of at least one sample, but got ", batch);
  if (!runner_ || runner_->request().batch != batch) {
    request_.batch = batch;
    runner_ = std::make_unique<PlanRunner>(model_, request_);
  }
  inputs.check(operation, runner_->plan(), first + batch);
  first_ = first;
  runner_->set_step(steps_before);
  runner_->run(inputs.at(first));
}

char* Inspection::value(int32_t node) const {
  const std::vector<int32_t>& nodes = request_.outputs;
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), node);
  if (found == nodes.end() || *found != node) return nullptr;
  return runner_->value(static_cast<size_t>(found - nodes.begin()));
}

char* Inspection::delta(int32_t node) const {
  const std::vector<int32_t>& nodes = request_.deltas;
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), node);
  if (found == nodes.end() || *found != node) return nullptr;
  return runner_->delta(static_cast<size_t>(found - nodes.begin()));
}

Fault Inspection::first_fault() const {
  const Graph& graph = model_->graph();
  auto fault_in = [&](int32_t node, const char* values) {
    Fault fault = chainrule::first_fault(graph, model_->dtype(), node, values, count(node));
    if (graph.node(node).shape.batched) fault.row += first_;
    return fault;
  };
  for (int32_t node : request_.outputs) {
    Fault fault = fault_in(node, value(node));
    if (fault.found) return fault;
  }
  for (auto node = request_.deltas.rbegin(); node != request_.deltas.rend(); ++node) {
    Fault fault = fault_in(*node, delta(*node));
    fault.backward = true;
    if (fault.found) return fault;
  }
  return {};
}

}  // namespace chainrule
