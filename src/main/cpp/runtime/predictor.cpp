#include "runtime/predictor.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "graph/backward.h"
#include "util/check.h"

namespace chainrule {

namespace {

// The largest number of samples that are computed in one run, if samples do not depend on each other. It is large
// enough for efficient products and small enough for the intermediate values to stay in the cache. One plan then serves
// all large calls, except for their last samples.
constexpr int64_t chunk = 1024;

}  // namespace

Workspace::Workspace(std::shared_ptr<const Model> model, std::vector<int32_t> outputs)
    : model_(std::move(model)),
      outputs_(std::move(outputs)),
      inputs_(model_),
      output_addresses_(outputs_.size(), nullptr),
      arena_(model_->backend()),
      stream_(model_->backend().make_stream()) {
  for (size_t i = 0; i < outputs_.size(); ++i) output_memory_.emplace_back(model_->backend().host_memory());
}

int64_t Workspace::output_bytes(int32_t index, int64_t batch) const {
  const Shape& shape = model_->graph().node(outputs_[static_cast<size_t>(index)]).shape;
  int64_t bytes = shape.elements() * size_of(model_->dtype());
  REQUIRE(batch > 0, "predicting: expected a batch of at least one sample, but got ", batch);
  REQUIRE(batch <= INT64_MAX / 2 / bytes, "predicting: a batch of ", batch,
          " samples does not fit into memory");
  return shape.batched ? batch * bytes : bytes;
}

char* Workspace::reserve_output(int32_t index, int64_t batch) {
  REQUIRE(index >= 0 && static_cast<size_t>(index) < outputs_.size(),
          "predicting: expected an output index from 0 to ", outputs_.size() - 1, ", but got ", index);
  MemoryBlock& block = output_memory_[static_cast<size_t>(index)];
  block.reserve(output_bytes(index, batch));
  return block.data();
}

Predictor::Predictor(std::shared_ptr<const Model> model, std::vector<int32_t> outputs)
    : model_(std::move(model)), outputs_(std::move(outputs)), samples_are_independent_(true) {
  REQUIRE(!outputs_.empty(), "predicting: expected at least one output, but got none");
  const Graph& graph = model_->graph();
  for (int32_t output : outputs_) graph.node(output);
  std::vector<bool> needed = needed_for(graph, outputs_);
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (needed[static_cast<size_t>(id)] && mixes_samples(graph.node(id).op)) samples_are_independent_ = false;
  }
  // Creating a plan here throws now, instead of at the first call, if an output cannot be computed.
  needed_ = plan(1)->reads_slot;
}

std::unique_ptr<Workspace> Predictor::workspace() const {
  auto made = std::make_unique<Workspace>(model_, outputs_);
  made->inputs().set_needed(needed_);
  return made;
}

std::shared_ptr<const Plan> Predictor::plan(int64_t batch) {
  std::lock_guard<std::mutex> lock(mutex_);
  return plans_.get(batch, [&] {
    PlanRequest request;
    request.dtype = model_->dtype();
    request.batch = batch;
    request.outputs = outputs_;
    return make_plan(model_->graph(), request, model_->backend());
  });
}

void Predictor::check(Workspace& workspace, int64_t first, int64_t samples) {
  if (!workspace.inspection_) workspace.inspection_ = std::make_unique<Inspection>(model_, outputs_, -1);
  workspace.inspection_->run("predicting", workspace.inputs_, first, samples, 0);
  const Fault fault = workspace.inspection_->first_fault();
  if (fault.found) throw Error(message("predicting, forward pass: ", describe(fault, model_->graph())));
}

void Predictor::predict(Workspace& workspace, int64_t batch) {
  REQUIRE(batch > 0, "predicting: expected a batch of at least one sample, but got ", batch);
  REQUIRE(workspace.model_ == model_ && workspace.outputs_ == outputs_,
          "predicting: the workspace belongs to another predictor");
  for (size_t i = 0; i < outputs_.size(); ++i) {
    REQUIRE(workspace.output_memory_[i].bytes() >= workspace.output_bytes(static_cast<int32_t>(i), batch),
            "predicting: expected memory for ", batch, " samples of the output ",
            model_->graph().describe(outputs_[i]), ", but got ", workspace.output_memory_[i].bytes(),
            " bytes");
  }
  // Held for the whole call, so that all its samples see the same parameters.
  std::shared_lock<FairSharedMutex> reading(model_->mutex());
  const int64_t samples_per_run = samples_are_independent_ ? std::min(batch, chunk) : batch;
  for (int64_t first = 0; first < batch; first += samples_per_run) {
    const int64_t samples = std::min(samples_per_run, batch - first);
    const std::shared_ptr<const Plan> plan = this->plan(samples);
    if (first == 0) workspace.inputs_.check("predicting", *plan, batch);
    if (checking_) check(workspace, first, samples);
    workspace.arena_.reserve(plan->program.arena_bytes);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Shape& shape = model_->graph().node(outputs_[i]).shape;
      int64_t before = shape.batched ? first * shape.elements() * size_of(model_->dtype()) : 0;
      workspace.output_addresses_[i] = workspace.output_memory_[i].data() + before;
    }
    Context context;
    context.base[static_cast<int32_t>(Space::arena)] = workspace.arena_.data();
    context.base[static_cast<int32_t>(Space::parameters)] = model_->parameters();
    context.base[static_cast<int32_t>(Space::constants)] = model_->constants();
    context.inputs = workspace.inputs_.at(first);
    context.outputs = workspace.output_addresses_.data();
    context.stream = workspace.stream_.get();
    model_->backend().run(plan->program, context, 0, static_cast<int32_t>(plan->program.phases.size()));
  }
}

}  // namespace chainrule
