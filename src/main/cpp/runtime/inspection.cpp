#include "runtime/inspection.h"

#include <algorithm>
#include <cmath>
#include <shared_mutex>
#include <utility>

#include "graph/backward.h"
#include "util/check.h"

namespace chainrule {

namespace {

// The place of the first of these values that is not finite, or -1.
template <class T>
int64_t first_not_finite(const T* values, int64_t count) {
  const T* end = values + count;
  const T* found = std::find_if(values, end, [](T value) { return !std::isfinite(value); });
  return found == end ? -1 : found - values;
}

}  // namespace

std::string describe(const Fault& fault, const Graph& graph) {
  const bool batched = graph.node(fault.node).shape.batched;
  return message("in the ",
                 fault.backward ? "backward pass: δ of " : "forward pass: ", graph.describe(fault.node),
                 " is ", fault.value, " at ", batched ? "batch row " : "row ", fault.row,
                 batched ? ", feature " : ", column ", fault.column);
}

Inspection::Inspection(std::shared_ptr<const Model> model, std::vector<int32_t> outputs, int32_t loss)
    : model_(std::move(model)), loss_(loss), arena_(model_->backend()), gradients_(model_->backend()) {
  const Graph& graph = model_->graph();
  std::vector<int32_t> leaves = graph.parameters();
  for (int32_t id : graph.data_nodes()) {
    if (graph.node(id).op == Op::input) leaves.push_back(id);
  }
  std::vector<bool> with_delta(static_cast<size_t>(graph.size()), false);
  if (loss >= 0) {
    with_delta = needs_delta(graph, loss, leaves);
    outputs.push_back(loss);
  }
  const std::vector<bool> needed = needed_for(graph, outputs);
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (needed[static_cast<size_t>(id)] && graph.node(id).op != Op::label) {
      values_.push_back({id, MemoryBlock(model_->backend())});
    }
    if (with_delta[static_cast<size_t>(id)]) deltas_.push_back({id, MemoryBlock(model_->backend())});
  }
  addresses_.resize(values_.size() + deltas_.size());
}

int64_t Inspection::count(int32_t node) const {
  const Shape& shape = model_->graph().node(node).shape;
  return shape.elements() * (shape.batched ? batch_ : 1);
}

void Inspection::reserve(Slot* slot, size_t output) {
  const int64_t element = size_of(model_->dtype());
  const Shape& shape = model_->graph().node(slot->node).shape;
  REQUIRE(batch_ <= INT64_MAX / 2 / element / shape.elements(), "a batch of ", batch_,
          " samples does not fit into memory");
  slot->memory.reserve(count(slot->node) * element);
  addresses_[output] = slot->memory.data();
}

void Inspection::run(const char* operation, Inputs& inputs, int64_t batch) {
  REQUIRE(batch > 0, operation, ": expected a batch of at least one sample, but ", batch, " came");
  const std::shared_ptr<const Plan> plan = plans_.get(batch, [&] {
    PlanRequest request;
    request.dtype = model_->dtype();
    request.batch = batch;
    request.loss = loss_;
    request.backward = !deltas_.empty();
    for (const Slot& slot : values_) request.outputs.push_back(slot.node);
    for (const Slot& slot : deltas_) request.deltas.push_back(slot.node);
    return make_plan(model_->graph(), request, model_->backend());
  });
  inputs.check(operation, *plan, batch);
  batch_ = batch;
  size_t output = 0;
  for (std::vector<Slot>* slots : {&values_, &deltas_}) {
    for (Slot& slot : *slots) reserve(&slot, output++);
  }
  arena_.reserve(plan->program.arena_bytes);
  gradients_.reserve(model_->layout().parameter_bytes);

  Context context;
  context.base[static_cast<int32_t>(Space::arena)] = arena_.data();
  context.base[static_cast<int32_t>(Space::parameters)] = model_->parameters();
  context.base[static_cast<int32_t>(Space::constants)] = model_->constants();
  context.base[static_cast<int32_t>(Space::gradients)] = gradients_.data();
  context.inputs = inputs.at(0);
  context.outputs = addresses_.data();
  std::shared_lock<ReaderWriterGate> reading(model_->gate());
  model_->backend().run(plan->program, context, 0, static_cast<int32_t>(plan->program.phases.size()));
}

char* Inspection::memory(const std::vector<Slot>& slots, int32_t node) {
  for (const Slot& slot : slots) {
    if (slot.node == node) return slot.memory.data();
  }
  return nullptr;
}

bool Inspection::check(const std::vector<Slot>& slots, size_t slot, Fault* fault) const {
  const int32_t node = slots[slot].node;
  const Shape& shape = model_->graph().node(node).shape;
  return with_type(model_->dtype(), slots[slot].memory.data(), [&](auto* values) {
    const int64_t at = first_not_finite(values, count(node));
    if (at < 0) return false;
    fault->found = true;
    fault->node = node;
    const int64_t width = shape.batched ? shape.elements() : shape.columns;
    fault->row = at / width;
    fault->column = at % width;
    fault->value = static_cast<double>(values[at]);
    return true;
  });
}

Fault Inspection::first_fault() const {
  Fault fault;
  for (size_t i = 0; i < values_.size(); ++i) {
    if (check(values_, i, &fault)) return fault;
  }
  fault.backward = true;
  for (size_t i = deltas_.size(); i-- > 0;) {
    if (check(deltas_, i, &fault)) return fault;
  }
  return fault;
}

}  // namespace chainrule
