#include "runtime/trainer.h"

#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

#include "util/check.h"

namespace chainrule {

namespace {

void check_optimizer(const OptimizerSettings& o) {
  auto finite = [](const char* what, double value) {
    REQUIRE(std::isfinite(value) && value >= 0, "optimizer: ", what,
            " must be finite and not negative, but is ", value);
  };
  int32_t kind = static_cast<int32_t>(o.kind);
  REQUIRE(kind >= 0 && kind <= 2, "optimizer: there is no kind number ", kind);
  finite("the learning rate", o.learning_rate);
  finite("weight decay", o.weight_decay);
  if (o.kind == OptimizerKind::sgd) {
    finite("momentum", o.momentum);
    REQUIRE(!o.nesterov || o.momentum > 0, "optimizer: Nesterov needs a momentum above 0");
    return;
  }
  REQUIRE(o.beta1 >= 0 && o.beta1 < 1, "optimizer: beta1 must be in [0, 1), but is ", o.beta1);
  REQUIRE(o.beta2 >= 0 && o.beta2 < 1, "optimizer: beta2 must be in [0, 1), but is ", o.beta2);
  REQUIRE(std::isfinite(o.epsilon) && o.epsilon > 0, "optimizer: epsilon must be positive, but is ",
          o.epsilon);
}

}  // namespace

Trainer::Trainer(std::shared_ptr<Model> model, int32_t loss, const OptimizerSettings& optimizer)
    : model_(std::move(model)),
      loss_(loss),
      optimizer_(optimizer),
      inputs_(model_),
      arena_(model_->backend()),
      state_{MemoryBlock(model_->backend()), MemoryBlock(model_->backend())},
      gradients_(model_->backend()),
      stream_(model_->backend().make_stream()),
      second_inputs_(model_),
      orders_{Order(model_->backend()), Order(model_->backend())},
      resident_order_(model_->backend()) {
  check_optimizer(optimizer_);
  progress_.shuffle_seed = model_->seed();
  columns_.assign(static_cast<size_t>(inputs_.slots()), nullptr);
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot)
    input_gradients_.emplace_back(model_->backend().host_memory());
  trained_ =
      plan(Mode::train, 1).trained;  // refuses a loss that cannot be trained now, not at the first step
  for (int32_t i = 0; i < state_count(); ++i) state_[i].reserve(model_->layout().parameter_bytes);
}

int32_t Trainer::state_count() const {
  if (optimizer_.kind != OptimizerKind::sgd) return 2;
  return optimizer_.momentum > 0 ? 1 : 0;
}

Plan Trainer::make(Mode mode, int64_t batch) const {
  PlanRequest request;
  request.dtype = model_->dtype();
  request.batch = batch;
  request.loss = loss_;
  request.training = mode != Mode::evaluate;
  request.backward = mode != Mode::evaluate;
  request.update = mode == Mode::train;
  for (int32_t id : model_->graph().data_nodes()) {
    if (mode == Mode::gradients && model_->graph().node(id).op == Op::input) request.deltas.push_back(id);
  }
  request.rule = {optimizer_.kind, optimizer_.momentum, optimizer_.nesterov, optimizer_.weight_decay};
  return make_plan(model_->graph(), request, model_->backend());
}

const Plan& Trainer::plan(Mode mode, int64_t batch) {
  return *plans_[static_cast<int32_t>(mode)].get(batch, [&] { return make(mode, batch); });
}

UpdateScalars Trainer::update_scalars(int64_t steps_before) const {
  UpdateScalars scalars;
  scalars.learning_rate = optimizer_.learning_rate;
  scalars.momentum = optimizer_.momentum;
  scalars.nesterov = optimizer_.nesterov;
  scalars.weight_decay = optimizer_.weight_decay;
  if (optimizer_.kind != OptimizerKind::sgd) {
    const double t = static_cast<double>(steps_before + 1);
    scalars.decoupled = optimizer_.kind == OptimizerKind::adamw;
    scalars.beta1 = optimizer_.beta1;
    scalars.beta2 = optimizer_.beta2;
    scalars.epsilon = optimizer_.epsilon;
    scalars.correction1 = 1 / (1 - std::pow(optimizer_.beta1, t));
    scalars.correction2 = 1 / (1 - std::pow(optimizer_.beta2, t));
  }
  return scalars;
}

Context Trainer::context() {
  Context context;
  auto base = [&](Space space) -> char*& { return context.base[static_cast<int32_t>(space)]; };
  base(Space::arena) = arena_.data();
  base(Space::parameters) = model_->parameters();
  base(Space::constants) = model_->constants();
  base(Space::gradients) = gradients_.data();
  base(Space::state0) = state_[0].data();
  base(Space::state1) = state_[1].data();
  context.inputs = inputs_.at(0);
  context.outputs = gradient_outputs_.data();
  context.update = update_scalars(progress_.steps);
  context.seed = static_cast<uint64_t>(model_->seed());
  context.step = progress_.steps;
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
  changed.learning_rate = value;
  check_optimizer(changed);
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
  MemoryBlock parameters(model_->backend()),
      velocity(model_->backend());  // copies, for updates write to them
  Context context = this->context();
  for (auto [space, block] : {std::pair(Space::parameters, &parameters), {Space::state0, &velocity}}) {
    char*& base = context.base[static_cast<int32_t>(space)];
    if (base == nullptr) continue;
    block->reserve(model_->layout().parameter_bytes);
    model_->backend().copy(block->data(), base, model_->layout().parameter_bytes);
    base = block->data();
  }
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
