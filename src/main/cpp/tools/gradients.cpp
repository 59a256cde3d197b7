#include "tools/gradients.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <shared_mutex>
#include <utility>

#include "graph/backward.h"
#include "util/check.h"

namespace chainrule {

Gradients::Gradients(std::shared_ptr<const Model> model, int32_t loss)
    : model_(std::move(model)),
      loss_(loss),
      inputs_(model_),
      arena_(model_->backend()),
      gradients_(model_->backend()),
      stream_(model_->backend().make_stream()) {
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot)
    input_gradients_.emplace_back(model_->backend().host_memory());
  // Creating a plan here throws now, instead of at the first call, if the loss has no gradients.
  inputs_.set_needed(plan(1).reads_slot);
}

const Plan& Gradients::plan(int64_t batch) {
  return *plans_.get(batch, [&] {
    PlanRequest request;
    request.dtype = model_->dtype();
    request.batch = batch;
    request.loss = loss_;
    request.training = true;
    request.backward = true;
    for (int32_t id : model_->graph().data_nodes()) {
      if (model_->graph().node(id).op == Op::input) request.deltas.push_back(id);
    }
    return make_plan(model_->graph(), request, model_->backend());
  });
}

// Sets all gradients to zero, because the plan writes only those of nodes that the loss depends on.
void Gradients::clear(int64_t batch) {
  gradients_.reserve(model_->layout().parameter_bytes);
  if (gradients_.bytes() > 0) model_->backend().zero(gradients_.data(), gradients_.bytes());
  outputs_.clear();
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot) {
    const Graph& graph = model_->graph();
    if (graph.node(graph.data_nodes()[static_cast<size_t>(slot)]).op != Op::input) continue;
    MemoryBlock& block = input_gradients_[static_cast<size_t>(slot)];
    REQUIRE(batch <= INT64_MAX / 2 / inputs_.sample_bytes(slot), "gradients: a batch of ", batch,
            " samples does not fit into memory");
    block.reserve(batch * inputs_.sample_bytes(slot));
    std::memset(block.data(), 0, static_cast<size_t>(batch * inputs_.sample_bytes(slot)));
    outputs_.push_back(block.data());
  }
}

double Gradients::compute(int64_t batch) {
  REQUIRE(batch > 0, "gradients: expected a batch of at least one sample, but got ", batch);
  batch_ = 0;
  const Plan& plan = this->plan(batch);
  inputs_.check("gradients", plan, batch);
  clear(batch);
  arena_.reserve(plan.program.arena_bytes);
  Context context;
  context.base[static_cast<int32_t>(Space::arena)] = arena_.data();
  context.base[static_cast<int32_t>(Space::parameters)] = model_->parameters();
  context.base[static_cast<int32_t>(Space::constants)] = model_->constants();
  context.base[static_cast<int32_t>(Space::gradients)] = gradients_.data();
  context.inputs = inputs_.at(0);
  context.outputs = outputs_.data();
  context.stream = stream_.get();
  context.seed = static_cast<uint64_t>(model_->seed());
  context.step = steps_before_;
  double loss;
  {
    std::shared_lock<FairSharedMutex> reading(model_->mutex());
    loss = model_->backend().run_to_loss(plan.program, context);
  }
  if (!std::isfinite(loss)) {
    const Fault fault = first_fault(*model_, inputs_, plan, batch);
    throw Error(message("gradients: the loss ", model_->graph().describe(loss_), " of this batch is ", loss,
                        cause(fault, model_->graph(), "")));
  }
  batch_ = batch;
  return loss;
}

template <class V>
void Gradients::read(int32_t id, V* values, int64_t count) const {
  const Graph& graph = model_->graph();
  const Node& node = graph.node(id);
  REQUIRE(batch_ > 0, "reading a gradient: the gradients of a batch have not been computed yet");
  REQUIRE(node.op == Op::parameter || node.op == Op::input,
          "reading a gradient: expected a parameter or an input, but got ", graph.describe(id));
  REQUIRE(values != nullptr, "reading a gradient: expected an array for the values, but got null");
  const bool is_parameter = node.op == Op::parameter;
  const int64_t expected = is_parameter ? node.shape.elements() : node.shape.rows * batch_;
  REQUIRE(count == expected, "reading a gradient: expected ", expected, " values for ", graph.describe(id),
          ", but got ", count);
  auto convert_from = [&](const char* from) {
    with_type(model_->dtype(), from, [&](const auto* typed) { convert(values, typed, count); });
  };
  if (is_parameter) {
    return read_on_host(model_->backend(),
                        gradients_.data() + model_->layout().offsets[static_cast<size_t>(id)],
                        count * size_of(model_->dtype()), convert_from);
  }
  const std::vector<int32_t>& data = graph.data_nodes();
  const auto slot = std::find(data.begin(), data.end(), id) - data.begin();
  convert_from(input_gradients_[static_cast<size_t>(slot)].data());
}

template void Gradients::read<float>(int32_t, float*, int64_t) const;
template void Gradients::read<double>(int32_t, double*, int64_t) const;

std::vector<NodeStatistics> Gradients::statistics(int64_t batch) {
  if (!inspection_) inspection_ = std::make_unique<Inspection>(model_, std::vector<int32_t>{}, loss_);
  {
    std::shared_lock<FairSharedMutex> reading(model_->mutex());
    inspection_->run("statistics", inputs_, 0, batch, steps_before_);
  }
  return chainrule::statistics(*model_, *inspection_, inputs_, needed_for(model_->graph(), {loss_}));
}

MemoryUse Gradients::memory() const {
  MemoryUse use;
  use.arena = arena_.bytes();
  use.parameters = model_->layout().parameter_bytes;
  use.constants = model_->layout().constant_bytes;
  use.gradients = gradients_.bytes();
  for (const MemoryBlock& block : input_gradients_) use.gradients += block.bytes();
  use.inputs = inputs_.bytes();
  if (inspection_) use.checks = inspection_->bytes();
  return use;
}

}  // namespace chainrule
