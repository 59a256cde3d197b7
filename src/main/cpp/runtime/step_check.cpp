#include "runtime/step_check.h"

#include <shared_mutex>
#include <string>
#include <utility>

#include "util/check.h"

namespace chainrule {

std::string example_suffix(const int64_t* examples, int64_t row) {
  return examples == nullptr ? "" : message(", example ", examples[row], " of the data set");
}

StepCheck::StepCheck(std::shared_ptr<Model> model, int32_t loss) : model_(std::move(model)), loss_(loss) {}

void StepCheck::check_batch(int64_t step, Inputs& inputs, int64_t batch, const int64_t* examples) {
  if (!inspection_) inspection_ = std::make_unique<Inspection>(model_, std::vector<int32_t>{}, loss_);
  {
    std::shared_lock<FairSharedMutex> reading(model_->mutex());
    inspection_->run("training step", inputs, 0, batch, step - 1);
  }
  const Fault fault = inspection_->first_fault();
  if (!fault.found) return;
  const Graph& graph = model_->graph();
  const bool batched = graph.node(fault.node).shape.batched;
  throw Error(message("training step ", step, ", ", fault.backward ? "backward" : "forward",
                      " pass: ", fault.backward ? "the delta of " : "", describe(fault, graph),
                      batched ? example_suffix(examples, fault.row) : "", "; nothing was changed"));
}

void StepCheck::back_up(std::vector<char*> blocks) {
  blocks_ = std::move(blocks);
  const int64_t bytes = model_->layout().parameter_bytes;
  while (before_.size() < blocks_.size()) before_.emplace_back(model_->backend());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    before_[i].reserve(bytes);
    model_->backend().copy(before_[i].data(), blocks_[i], bytes);
  }
}

void StepCheck::check_update(int64_t step) {
  const Graph& graph = model_->graph();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    for (int32_t id : graph.parameters()) {
      const int64_t count = graph.node(id).shape.elements();
      Fault fault;
      read_on_host(model_->backend(), blocks_[i] + model_->layout().offsets[static_cast<size_t>(id)],
                   count * size_of(model_->dtype()), [&](const char* values) {
                     fault = first_fault(graph, model_->dtype(), id, values, count);
                   });
      if (!fault.found) continue;
      undo();
      throw Error(message("training step ", step, ", update: ", i == 0 ? "" : "the optimizer's state of ",
                          describe(fault, graph), "; the parameters and the optimizer state were restored"));
    }
  }
}

void StepCheck::undo() {
  for (size_t i = 0; i < blocks_.size(); ++i) {
    model_->backend().copy(blocks_[i], before_[i].data(), model_->layout().parameter_bytes);
  }
}

void StepCheck::release() {
  blocks_.clear();
  before_.clear();
  inspection_.reset();
}

int64_t StepCheck::bytes() const {
  int64_t sum = inspection_ ? inspection_->bytes() : 0;
  for (const MemoryBlock& block : before_) sum += block.bytes();
  return sum;
}

}  // namespace chainrule
