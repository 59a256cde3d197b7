#include "runtime/trainer.h"

#include <cmath>
#include <cstring>
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
      gradients_(model_->backend()),
      stream_(model_->backend().make_stream()),
      second_inputs_(model_),
      orders_{Order(model_->backend()), Order(model_->backend())},
      resident_order_(model_->backend()) {
  check_optimizer(optimizer_, model_->dtype());
  progress_.shuffle_seed = model_->seed();
  columns_.assign(static_cast<size_t>(inputs_.slots()), nullptr);
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot)
    input_gradients_.emplace_back(model_->backend().host_memory());
  trained_ =
      plan(Mode::train, 1).trained;  // refuses a loss that cannot be trained now, not at the first step
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
  request.backward = mode != Mode::evaluate;
  request.update = mode == Mode::train;
  for (int32_t id : model_->graph().data_nodes()) {
    if (mode == Mode::gradients && model_->graph().node(id).op == Op::input) request.deltas.push_back(id);
  }
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
  base(Space::gradients) = gradients_.data();
  for (int32_t i = 0; i < max_states; ++i) base(state_space(i)) = state(i);
  context.inputs = inputs_.at(0);
  context.outputs = gradient_outputs_.data();
  context.update = update_scalars(optimizer_, progress_.steps + 1);
  context.stream = stream_.get();
  return context;
}

double Trainer::run(Mode mode, int64_t batch, const char* operation, double* phase_seconds) {
  std::unique_lock<ReaderWriterGate> writing(model_->gate());
  return run_alone(mode, batch, operation, phase_seconds);
}

double Trainer::run_alone(Mode mode, int64_t batch, const char* operation, double* phase_seconds) {
  REQUIRE(batch > 0, operation, ": expected a batch of at least one sample, but ", batch, " came");
  const Plan& plan = this->plan(mode, batch);
  inputs_.check(operation, plan, batch);
  arena_.reserve(plan.program.arena_bytes);
  Context context = this->context();
  context.phase_seconds = phase_seconds;
  const double loss = model_->backend().run_to_loss(plan.program, context);
  if (mode != Mode::evaluate && !std::isfinite(loss)) refuse(operation, loss);
  return loss;
}

void Trainer::refuse(const char* operation, double loss) const {
  throw Error(message(operation, ": the loss ", model_->graph().describe(loss_), " of this batch is ", loss,
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

double Trainer::evaluate(int64_t batch) { return run(Mode::evaluate, batch, "evaluating"); }

double Trainer::gradients(int64_t batch) {
  REQUIRE(batch > 0, "gradients: expected a batch of at least one sample, but ", batch, " came");
  gradients_.reserve(model_->layout().parameter_bytes);
  model_->backend().zero(gradients_.data(), gradients_.bytes());
  gradient_outputs_.clear();
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot) {
    const Graph& graph = model_->graph();
    const Node& node = graph.node(graph.data_nodes()[static_cast<size_t>(slot)]);
    if (node.op != Op::input) continue;
    MemoryBlock& block = input_gradients_[static_cast<size_t>(slot)];
    REQUIRE(batch <= INT64_MAX / 2 / inputs_.sample_bytes(slot), "gradients: a batch of ", batch,
            " does not fit into memory");
    block.reserve(batch * inputs_.sample_bytes(slot));
    std::memset(block.data(), 0, static_cast<size_t>(block.bytes()));
    gradient_outputs_.push_back(block.data());
  }
  gradient_batch_ = 0;
  double loss = run(Mode::gradients, batch, "gradients");
  gradient_batch_ = batch;
  return loss;
}

template <class V>
void Trainer::read_gradient(int32_t id, V* values, int64_t count) const {
  const Graph& graph = model_->graph();
  const Node& node = graph.node(id);
  REQUIRE(gradient_batch_ > 0, "reading a gradient: gradients of a batch have not been computed");
  REQUIRE(node.op == Op::parameter || node.op == Op::input,
          "reading a gradient: expected a parameter or an input, but ", graph.describe(id), " came");
  REQUIRE(values != nullptr, "reading a gradient: the values are null");
  const bool is_parameter = node.op == Op::parameter;
  const int64_t expected = is_parameter ? node.shape.elements() : node.shape.rows * gradient_batch_;
  REQUIRE(count == expected, "reading a gradient: expected ", expected, " values for ", graph.describe(id),
          ", but ", count, " came");
  auto convert_from = [&](const char* from) {
    with_type(model_->dtype(), from, [&](const auto* typed) { convert(values, typed, count); });
  };
  if (is_parameter) {
    return read_on_host(model_->backend(),
                        gradients_.data() + model_->layout().offsets[static_cast<size_t>(id)],
                        count * size_of(model_->dtype()), convert_from);
  }
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot) {
    if (graph.data_nodes()[static_cast<size_t>(slot)] == id)
      convert_from(input_gradients_[static_cast<size_t>(slot)].data());
  }
}

template void Trainer::read_gradient<float>(int32_t, float*, int64_t) const;
template void Trainer::read_gradient<double>(int32_t, double*, int64_t) const;

// ---- what a caller may ask or change

void Trainer::set_learning_rate(double value) {
  OptimizerSettings changed = optimizer_;
  changed.set("learning_rate", value);
  check_optimizer(changed, model_->dtype());
  optimizer_ = changed;
}

bool Trainer::trains(int32_t parameter) const {
  REQUIRE(model_->graph().node(parameter).op == Op::parameter, "expected a parameter, but ",
          model_->graph().describe(parameter), " came");
  return trained_[static_cast<size_t>(parameter)];
}

std::string Trainer::describe_plan(int64_t batch) {
  REQUIRE(batch > 0, "plan: expected a batch of at least one sample, but ", batch, " came");
  return print_plan(plan(Mode::train, batch));
}

std::string Trainer::profile(int64_t batch, int64_t steps) {
  REQUIRE(batch > 0, "profile: expected a batch of at least one sample, but ", batch, " came");
  REQUIRE(steps > 0, "profile: expected at least one step, but ", steps, " came");
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
  // Products write to the parameters or to a state: here to copies.
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
