#include "runtime/plan_runner.h"

#include <cstring>
#include <utility>

#include "util/check.h"

namespace chainrule {

namespace {

PlanRequest typed(PlanRequest request, DType dtype) {
  request.dtype = dtype;
  return request;
}

Plan plan_of(const Model& model, const PlanRequest& request) {
  return make_plan(model.graph(), typed(request, model.dtype()), model.backend());
}

}  // namespace

PlanRunner::PlanRunner(std::shared_ptr<const Model> model, PlanRequest request)
    : PlanRunner(model, request, plan_of(*model, request)) {}

PlanRunner::PlanRunner(std::shared_ptr<const Model> model, PlanRequest request, Plan plan)
    : model_(std::move(model)),
      request_(typed(std::move(request), model_->dtype())),
      plan_(std::move(plan)),
      arena_(model_->backend()),
      gradients_(model_->backend()),
      stream_(model_->backend().make_stream()) {
  const int64_t element = size_of(model_->dtype());
  for (const std::vector<int32_t>* nodes : {&request_.outputs, &request_.deltas}) {
    for (int32_t id : *nodes) {
      REQUIRE(request_.batch <= INT64_MAX / 2 / element / model_->graph().node(id).shape.elements(),
              "plan: a batch of ", request_.batch, " samples does not fit into memory");
      outputs_.emplace_back(model_->backend().host_memory());
      outputs_.back().reserve(count(id) * element);
      addresses_.push_back(outputs_.back().data());
    }
  }
  arena_.reserve(plan_.program.arena_bytes);
  if (request_.backward && !request_.seeded) gradients_.reserve(model_->layout().parameter_bytes);
}

int64_t PlanRunner::count(int32_t node) const {
  const Shape& shape = model_->graph().node(node).shape;
  return shape.elements() * (shape.batched ? request_.batch : 1);
}

void PlanRunner::run(void* const* inputs) {
  run(inputs, 0, static_cast<int32_t>(plan_.program.phases.size()));
}
void PlanRunner::forward(void* const* inputs) { run(inputs, 0, plan_.program.backward_begin); }
void PlanRunner::backward(void* const* inputs) {
  run(inputs, plan_.program.backward_begin, static_cast<int32_t>(plan_.program.phases.size()));
}

void PlanRunner::run(void* const* inputs, int32_t first, int32_t last) {
  Context context;
  context.base[static_cast<int32_t>(Space::arena)] = arena_.data();
  context.base[static_cast<int32_t>(Space::parameters)] = model_->parameters();
  context.base[static_cast<int32_t>(Space::constants)] = model_->constants();
  context.base[static_cast<int32_t>(Space::gradients)] = gradients_.data();
  context.inputs = inputs;
  context.outputs = addresses_.data();
  context.stream = stream_.get();
  context.seed = static_cast<uint64_t>(model_->seed());
  context.step = step_;
  model_->backend().run(plan_.program, context, first, last);
}

void PlanRunner::poison() {
  for (MemoryBlock* block : {&arena_, &gradients_}) {
    if (block->data() == nullptr) continue;
    write_on_host(model_->backend(), block->data(), block->bytes(),
                  [&](char* values) { std::memset(values, 0xff, static_cast<size_t>(block->bytes())); });
  }
  for (MemoryBlock& output : outputs_) std::memset(output.data(), 0xff, static_cast<size_t>(output.bytes()));
}

int64_t PlanRunner::bytes() const {
  int64_t sum = arena_.bytes() + gradients_.bytes();
  for (const MemoryBlock& output : outputs_) sum += output.bytes();
  return sum;
}

}  // namespace chainrule
