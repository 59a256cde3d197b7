// What a trainer tells about itself and its batches: statistics, memory, and the checking mode.
#include <mutex>
#include <shared_mutex>

#include "graph/backward.h"
#include "runtime/trainer.h"
#include "util/check.h"

namespace chainrule {

namespace {

void keep(Backend& backend, MemoryBlock* to, const char* from, int64_t bytes) {
  to->reserve(bytes);
  backend.copy(to->data(), from, bytes);
}

}  // namespace

Inspection& Trainer::inspect(const char* operation, int64_t batch) {
  if (!inspection_) inspection_ = std::make_unique<Inspection>(model_, std::vector<int32_t>{}, loss_);
  std::shared_lock<ReaderWriterGate> reading(model_->gate());
  inspection_->run(operation, inputs_, 0, batch, progress_.steps);
  return *inspection_;
}

std::vector<NodeStatistics> Trainer::statistics(int64_t batch) {
  const Inspection& inspection = inspect("statistics", batch);
  return chainrule::statistics(*model_, inspection, inputs_, needed_for(model_->graph(), {loss_}));
}

MemoryUse Trainer::memory() const {
  MemoryUse use;
  use.arena = arena_.bytes();
  use.parameters = model_->layout().parameter_bytes;
  use.constants = model_->layout().constant_bytes;
  use.state = state_[0].bytes() + state_[1].bytes();
  use.gradients = gradients_.bytes();
  for (const MemoryBlock& block : input_gradients_) use.gradients += block.bytes();
  use.inputs = inputs_.bytes() + second_inputs_.bytes();
  use.dataset = (dataset_ == nullptr ? 0 : dataset_->bytes()) + resident_order_.bytes();
  for (const Order& order : orders_) use.dataset += order.examples.bytes();
  for (const MemoryBlock& block : resident_memory_) use.dataset += block.bytes();
  if (inspection_) use.checks = inspection_->bytes();
  for (const MemoryBlock& block : before_) use.checks += block.bytes();
  return use;
}

// ---- the checking mode

void Trainer::set_checking(bool on) {
  checking_ = on;
  before_.clear();
}

// ", example 1234 of the data set" for a row of the batch that fit trains on.
std::string Trainer::place(int64_t row) const {
  return batch_examples_ == nullptr ? "" : message(", example ", batch_examples_[row], " of the data set");
}

void Trainer::check_batch(int64_t batch) {
  const Fault fault = inspect("training step", batch).first_fault();
  if (!fault.found) return;
  const Graph& graph = model_->graph();
  const bool batched = graph.node(fault.node).shape.batched;
  throw Error(message("training step ", progress_.steps + 1, ", ", fault.backward ? "backward" : "forward",
                      " pass: ", fault.backward ? "the delta of " : "", describe(fault, graph),
                      batched ? place(fault.row) : "", "; nothing was changed"));
}

double Trainer::checked_update(int64_t batch, double* phase_seconds) {
  check_batch(batch);
  // nobody sees parameters before they have been looked at
  std::unique_lock<ReaderWriterGate> writing(model_->gate());
  Backend& backend = model_->backend();
  const int64_t bytes = model_->layout().parameter_bytes;
  while (before_.size() < 1 + static_cast<size_t>(state_count())) before_.emplace_back(model_->backend());
  keep(backend, &before_[0], model_->parameters(), bytes);
  for (int32_t i = 0; i < state_count(); ++i)
    keep(backend, &before_[static_cast<size_t>(i) + 1], state(i), bytes);
  const double loss = run_alone(Mode::train, batch, "training step", phase_seconds);
  check_update();
  return loss;
}

void Trainer::check_update() {
  const Graph& graph = model_->graph();
  Backend& backend = model_->backend();
  for (int32_t where = 0; where <= state_count(); ++where) {
    char* block = where == 0 ? model_->parameters() : state(where - 1);
    for (int32_t id : graph.parameters()) {
      const int64_t count = graph.node(id).shape.elements();
      Fault fault;
      read_on_host(backend, block + model_->layout().offsets[static_cast<size_t>(id)],
                   count * size_of(model_->dtype()), [&](const char* values) {
                     fault = first_fault(graph, model_->dtype(), id, values, count);
                   });
      if (!fault.found) continue;
      undo_update();
      throw Error(message("training step ", progress_.steps + 1,
                          ", update: ", where == 0 ? "" : "the optimizer's state of ", describe(fault, graph),
                          "; parameters and state are again what they were before the step"));
    }
  }
}

void Trainer::undo_update() {
  const int64_t bytes = model_->layout().parameter_bytes;
  model_->backend().copy(model_->parameters(), before_[0].data(), bytes);
  for (int32_t i = 0; i < state_count(); ++i) {
    model_->backend().copy(state(i), before_[static_cast<size_t>(i) + 1].data(), bytes);
  }
}

}  // namespace chainrule
