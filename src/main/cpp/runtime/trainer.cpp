#include "runtime/trainer.h"

#include <cmath>
#include <mutex>
#include <utility>

#include "util/check.h"

namespace chainrule {

Trainer::Trainer(std::shared_ptr<Model> model, int32_t loss, const OptimizerSettings& optimizer)
    : model_(std::move(model)),
      loss_(loss),
      optimizer_(optimizer),
      inputs_(model_),
      arena_(model_->backend()),
      stream_(model_->backend().make_stream()),
      check_(model_, loss),
      feed_(model_, inputs_) {
  check_optimizer(optimizer_, model_->dtype());
  progress_.shuffle_seed = model_->seed();
  // Creating a plan here throws now, instead of at the first step, if the loss cannot be trained.
  const Plan& first = plan(Mode::train, 1);
  trained_ = first.trained;
  inputs_.set_needed(first.reads_slot);
  for (int32_t i = 0; i < max_states; ++i) {
    states_.emplace_back(model_->backend());
    if ((states_of(optimizer_) >> i & 1) != 0) states_.back().reserve(model_->layout().parameter_bytes);
  }
}

Plan Trainer::make(Mode mode, int64_t batch) const {
  PlanRequest request;
  request.dtype = model_->dtype();
  request.batch = batch;
  request.loss = loss_;
  request.training = mode != Mode::evaluate;
  request.backward = mode != Mode::evaluate;
  request.update = mode == Mode::train;
  request.optimizer = optimizer_;
  return make_plan(model_->graph(), request, model_->backend());
}

const Plan& Trainer::plan(Mode mode, int64_t batch) {
  return *plans_[static_cast<int32_t>(mode)].get(batch, [&] { return make(mode, batch); });
}

Context Trainer::context() {
  Context context;
  auto base = [&](Space space) -> char*& { return context.base[static_cast<int32_t>(space)]; };
  base(Space::arena) = arena_.data();
  base(Space::parameters) = model_->parameters();
  base(Space::constants) = model_->constants();
  for (int32_t i = 0; i < max_states; ++i) base(state_space(i)) = state(i);
  context.inputs = inputs_.at(0);
  context.update = update_scalars(optimizer_, progress_.steps + 1);
  context.seed = static_cast<uint64_t>(model_->seed());
  context.step = progress_.steps;
  context.stream = stream_.get();
  return context;
}

double Trainer::run(Mode mode, int64_t batch, const char* operation, double* phase_seconds) {
  std::unique_lock<FairSharedMutex> writing(model_->mutex());
  return run_alone(mode, batch, operation, phase_seconds);
}

double Trainer::run_alone(Mode mode, int64_t batch, const char* operation, double* phase_seconds) {
  REQUIRE(batch > 0, operation, ": expected a batch of at least one sample, but got ", batch);
  const Plan& plan = this->plan(mode, batch);
  inputs_.check(operation, plan, batch);
  arena_.reserve(plan.program.arena_bytes);
  Context context = this->context();
  context.phase_seconds = phase_seconds;
  const double loss = model_->backend().run_to_loss(plan.program, context);
  if (!std::isfinite(loss) && (mode == Mode::train || first_fault(*model_, inputs_, plan, batch).found)) {
    refuse(operation, loss, plan, batch);
  }
  return loss;
}

// Throws Error because of the loss of the batch in inputs().
void Trainer::refuse(const char* operation, double loss, const Plan& plan, int64_t batch) const {
  const Fault fault = first_fault(*model_, inputs_, plan, batch);
  throw Error(
      message(operation, ": the loss ", model_->graph().describe(loss_), " of this batch is ", loss,
              cause(fault, model_->graph(), fault.found ? example_suffix(batch_examples_, fault.row) : ""),
              "; no parameter was changed (", progress_.steps, " steps so far)"));
}

double Trainer::step(int64_t batch) {
  batch_examples_ = nullptr;
  return update(batch, nullptr);
}

double Trainer::update(int64_t batch, double* phase_seconds) {
  const double loss = checking_ ? checked_update(batch, phase_seconds)
                                : run(Mode::train, batch, "training step", phase_seconds);
  ++progress_.steps;
  progress_.last_loss = loss;
  return loss;
}

void Trainer::set_checking(bool on) {
  checking_ = on;
  check_.release();
}

double Trainer::checked_update(int64_t batch, double* phase_seconds) {
  const int64_t step = progress_.steps + 1;
  check_.check_batch(step, inputs_, batch, batch_examples_);
  // Predictions must not see the parameters before they have been checked.
  std::unique_lock<FairSharedMutex> writing(model_->mutex());
  std::vector<char*> blocks = {model_->parameters()};
  for (int32_t i = 0; i < max_states; ++i) {
    if (state(i) != nullptr) blocks.push_back(state(i));
  }
  check_.back_up(std::move(blocks));
  const double loss = run_alone(Mode::train, batch, "training step", phase_seconds);
  check_.check_update(step);
  return loss;
}

double Trainer::evaluate(int64_t batch) {
  batch_examples_ = nullptr;
  return run(Mode::evaluate, batch, "evaluating");
}

// ---- settings and reports

MemoryUse Trainer::memory() const {
  MemoryUse use;
  use.arena = arena_.bytes();
  use.parameters = model_->layout().parameter_bytes;
  use.constants = model_->layout().constant_bytes;
  for (const MemoryBlock& state : states_) use.state += state.bytes();
  use.inputs = inputs_.bytes() + feed_.input_bytes();
  use.dataset = feed_.dataset_bytes();
  use.checks = check_.bytes();
  return use;
}

void Trainer::set_learning_rate(double value) {
  OptimizerSettings changed = optimizer_;
  changed.set("learning_rate", value);
  check_optimizer(changed, model_->dtype());
  optimizer_ = changed;
}

bool Trainer::trains(int32_t parameter) const {
  REQUIRE(model_->graph().node(parameter).op == Op::parameter, "trains: expected a parameter, but got ",
          model_->graph().describe(parameter));
  return trained_[static_cast<size_t>(parameter)];
}

std::string Trainer::describe_plan(int64_t batch) {
  REQUIRE(batch > 0, "plan: expected a batch of at least one sample, but got ", batch);
  return print_plan(plan(Mode::train, batch));
}

std::string Trainer::profile(int64_t batch, int64_t steps) {
  REQUIRE(batch > 0, "profile: expected a batch of at least one sample, but got ", batch);
  REQUIRE(steps > 0, "profile: expected at least one step, but got ", steps);
  batch_examples_ = nullptr;
  const Plan& plan = this->plan(Mode::train, batch);
  std::vector<double> seconds(plan.program.phases.size(), 0.0);
  for (int64_t i = 0; i < steps; ++i) update(batch, seconds.data());
  double total = 0;
  for (double& phase : seconds) total += phase /= static_cast<double>(steps);
  const double products = seconds_of_products(plan.program, steps);
  const std::string text = print_plan(plan, seconds);
  if (products == 0) return text;
  return message(text, "the products alone take ", products * 1e3, " ms; the step is ", total / products,
                 " times that\n");
}

double Trainer::seconds_of_products(const Program& program, int64_t steps) {
  Program products = products_of(program);
  model_->backend().prepare(products);
  // Products may write to the parameters or to a state, so they get copies here.
  MemoryBlock parameters(model_->backend()), state(model_->backend());
  Context context = this->context();
  const auto copy = [&](Space space, MemoryBlock* block) {
    char*& base = context.base[static_cast<int32_t>(space)];
    block->reserve(model_->layout().parameter_bytes);
    model_->backend().copy(block->data(), base, model_->layout().parameter_bytes);
    base = block->data();
  };
  copy(Space::parameters, &parameters);
  const InProduct direct = in_product(optimizer_);
  if (direct.possible && direct.state >= 0) copy(state_space(direct.state), &state);
  std::vector<double> seconds(products.phases.size(), 0.0);
  context.phase_seconds = seconds.data();
  for (int64_t i = 0; i < steps; ++i) {
    model_->backend().run(products, context, 0, static_cast<int32_t>(products.phases.size()));
  }
  double total = 0;
  for (double phase : seconds) total += phase;
  return total / static_cast<double>(steps);
}

}  // namespace chainrule
