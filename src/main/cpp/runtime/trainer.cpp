#include "runtime/trainer.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <mutex>
#include <utility>

#include "util/check.h"
#include "util/random.h"

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
      order_(model_->backend().host_memory()),
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

UpdateScalars Trainer::update_scalars() const {
  UpdateScalars scalars;
  scalars.learning_rate = optimizer_.learning_rate;
  scalars.momentum = optimizer_.momentum;
  scalars.nesterov = optimizer_.nesterov;
  scalars.weight_decay = optimizer_.weight_decay;
  if (optimizer_.kind != OptimizerKind::sgd) {
    const double t = static_cast<double>(progress_.steps + 1);
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
  context.update = update_scalars();
  context.stream = stream_.get();
  return context;
}

double Trainer::run(Mode mode, int64_t batch, const char* operation, double* phase_seconds,
                    bool from_resident) {
  std::unique_lock<ReaderWriterGate> writing(model_->gate());
  return run_alone(mode, batch, operation, phase_seconds, from_resident);
}

double Trainer::run_alone(Mode mode, int64_t batch, const char* operation, double* phase_seconds,
                          bool from_resident) {
  REQUIRE(batch > 0, operation, ": expected a batch of at least one sample, but ", batch, " came");
  const Plan& plan = this->plan(mode, batch);
  const Program& program = plan.program;
  if (!from_resident) inputs_.check(operation, plan, batch);
  arena_.reserve(program.arena_bytes);

  Context context = this->context();
  context.phase_seconds = phase_seconds;
  if (from_resident) {
    context.columns = resident_.data();
    context.rows = reinterpret_cast<const int64_t*>(resident_order_.data()) + progress_.position;
  }

  const double loss = model_->backend().run_to_loss(program, context);
  if (mode != Mode::evaluate && !std::isfinite(loss)) {
    throw Error(message(operation, ": the loss ", model_->graph().describe(loss_), " of this batch is ", loss,
                        "; no parameter was changed (", progress_.steps, " steps so far)"));
  }
  return loss;
}

double Trainer::step(int64_t batch) {
  batch_examples_ = nullptr;
  return update(batch, nullptr);
}

double Trainer::update(int64_t batch, double* phase_seconds, bool from_resident) {
  double loss = checking_ ? checked_update(batch, phase_seconds)
                          : run(Mode::train, batch, "training step", phase_seconds, from_resident);
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

// ---- over a dataset

void Trainer::bind(const Dataset& dataset, int64_t batch_size) {
  REQUIRE(batch_size > 0, "fit: expected a batch size of at least 1, but ", batch_size, " came");
  REQUIRE(progress_.position == 0 || dataset.examples() == progress_.examples,
          "fit: the running epoch goes over ", progress_.examples, " examples, but a dataset of ",
          dataset.examples(), " came");
  const Graph& graph = model_->graph();
  const Plan& needs = plan(Mode::train, 1);
  std::vector<const Column*> columns(columns_.size(), nullptr);
  for (size_t slot = 0; slot < columns.size(); ++slot) {
    if (!needs.reads_slot[slot]) continue;
    const int32_t id = graph.data_nodes()[slot];
    const Node& node = graph.node(id);
    const Column* column = dataset.find(node.name);
    REQUIRE(column != nullptr, "fit: the dataset has no column '", node.name, "' for ", graph.describe(id));
    const bool label = node.op == Op::label;
    REQUIRE(label == (column->type == ColumnType::label), "fit: column '", node.name, "' must hold ",
            label ? "class indices" : "values", " for ", graph.describe(id));
    REQUIRE(label || column->features == node.shape.rows, "fit: expected ", node.shape.rows,
            " features in column '", node.name, "' for ", graph.describe(id), ", but it has ",
            column->features);
    columns[slot] = column;
  }
  for (const LabelCheck& check : needs.labels) {
    check_labels("fit", graph, check,
                 reinterpret_cast<const int32_t*>(columns[static_cast<size_t>(check.slot)]->values.data()),
                 dataset.examples());
  }
  dataset_ = nullptr;  // none, if what follows fails
  if (resident_dataset_ != dataset.number()) resident_dataset_ = 0;
  batch_size_ = std::min(batch_size, dataset.examples());
  columns_ = std::move(columns);
  order_.reserve(dataset.examples() * static_cast<int64_t>(sizeof(int64_t)));
  order_epoch_ = -1;
  if (resident_dataset_ == 0) make_resident(dataset);
  dataset_ = &dataset;
}

// Columns cannot be added to a node that has one, so what is there once stays right.
void Trainer::make_resident(const Dataset& dataset) {
  Backend& backend = model_->backend();
  int64_t bytes = order_.bytes();
  for (const Column* column : columns_) {
    if (column != nullptr) bytes += column->values.bytes();
  }
  resident_memory_.clear();
  resident_.assign(columns_.size(), {});
  if (bytes > backend.resident_bytes()) return;
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    resident_memory_.emplace_back(backend);
    const Column* column = columns_[slot];
    if (column == nullptr) continue;
    MemoryBlock& block = resident_memory_.back();
    block.reserve(column->values.bytes());
    backend.copy_in(block.data(), column->values.data(), column->values.bytes());
    resident_[slot] = {block.data(), column->type, column->features};
  }
  resident_order_.reserve(order_.bytes());
  resident_dataset_ = dataset.number();
}

void Trainer::shuffle(bool on, int64_t seed) {
  REQUIRE(progress_.position == 0, "shuffle: an epoch is running (", progress_.position, " of ",
          progress_.examples, " examples); its order cannot change");
  progress_.shuffle = on;
  progress_.shuffle_seed = seed;
  order_epoch_ = -1;
}

// The order of an epoch is a function of the seed and the epoch's number (R. Fisher, F. Yates, 1938; R. Durstenfeld,
// 1964), so that resuming needs no list.
void Trainer::prepare_order() {
  if (order_epoch_ == progress_.epoch) return;
  int64_t* order = reinterpret_cast<int64_t*>(order_.data());
  const int64_t n = dataset_->examples();
  for (int64_t i = 0; i < n; ++i) order[i] = i;
  if (progress_.shuffle) {
    for (int64_t i = n - 1; i > 0; --i) {
      uint64_t j =
          random_below(static_cast<uint64_t>(progress_.shuffle_seed), static_cast<uint64_t>(progress_.epoch),
                       static_cast<uint64_t>(i), static_cast<uint64_t>(i) + 1);
      std::swap(order[i], order[j]);
    }
  }
  if (resident_dataset_ != 0) {
    model_->backend().copy_in(resident_order_.data(), order, n * static_cast<int64_t>(sizeof(int64_t)));
  }
  order_epoch_ = progress_.epoch;
}

// Shuffled examples lie anywhere in memory; so many are on their way while one is copied.
static constexpr int64_t fetched_ahead = 8;

// The first lines of an example; the processor itself fetches the rest of a long one.
static void fetch_ahead(const char* example, int64_t bytes) {
  for (int64_t line = 0; line < std::min<int64_t>(bytes, 512); line += 64) __builtin_prefetch(example + line);
}

void Trainer::gather(int64_t batch) {
  const int64_t* order = reinterpret_cast<const int64_t*>(order_.data()) + progress_.position;
  for (int32_t slot = 0; slot < inputs_.slots(); ++slot) {
    const Column* column = columns_[static_cast<size_t>(slot)];
    if (column == nullptr) continue;
    char* to = inputs_.reserve(slot, batch);
    const char* from = column->values.data();
    const int64_t row = column->row_bytes(), sample = inputs_.sample_bytes(slot);
    for (int64_t i = 0; i < batch; ++i) {
      const char* example = from + order[i] * row;
      if (i + fetched_ahead < batch) fetch_ahead(from + order[i + fetched_ahead] * row, row);
      if (row == sample) {
        std::memcpy(to + i * sample, example, static_cast<size_t>(sample));
      } else if (column->type == ColumnType::float32) {
        convert(reinterpret_cast<double*>(to + i * sample), reinterpret_cast<const float*>(example),
                column->features);
      } else {
        convert(reinterpret_cast<float*>(to + i * sample), reinterpret_cast<const double*>(example),
                column->features);
      }
    }
  }
}

int64_t Trainer::fit(int64_t max_steps, int64_t epochs, double max_milliseconds) {
  REQUIRE(dataset_ != nullptr, "fit: no dataset is bound");
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  int64_t done = 0;
  while (done < max_steps && progress_.epoch < epochs) {
    prepare_order();
    const int64_t examples = dataset_->examples();
    const int64_t batch = std::min(batch_size_, examples - progress_.position);
    progress_.examples = examples;
    const bool resident = resident_dataset_ != 0 && !checking_;
    if (!resident) gather(batch);
    batch_examples_ = reinterpret_cast<const int64_t*>(order_.data()) + progress_.position;
    const double loss = update(batch, nullptr, resident);
    progress_.running_sum += loss * static_cast<double>(batch);
    progress_.position += batch;
    ++done;
    if (progress_.position == examples) {
      progress_.epoch_loss = progress_.running_sum / static_cast<double>(examples);
      progress_.running_sum = 0;
      progress_.position = 0;
      ++progress_.epoch;
    }
    const std::chrono::duration<double, std::milli> passed = Clock::now() - start;
    if (passed.count() >= max_milliseconds) break;
  }
  return done;
}

double Trainer::running_loss() const {
  return progress_.position == 0 ? progress_.epoch_loss
                                 : progress_.running_sum / static_cast<double>(progress_.position);
}

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
