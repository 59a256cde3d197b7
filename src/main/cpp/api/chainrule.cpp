#include "api/chainrule.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "backend/cpu/blas.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/products.h"
#include "backend/cpu/team.h"
#include "ops/custom.h"
#include "runtime/dataset.h"
#include "runtime/devices.h"
#include "runtime/model_file.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeGraph::Body {
  Graph graph;
};
struct NativeDataset::Body {
  std::shared_ptr<Dataset> dataset;
};
struct NativeTrainer::Body {
  std::unique_ptr<Trainer> trainer;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
  std::shared_ptr<Dataset> bound;  // lives as long as it is bound
};
struct NativeWorkspace::Body {
  std::unique_ptr<Workspace> workspace;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
};
struct NativePredictor::Body {
  std::unique_ptr<Predictor> predictor;
};

namespace {

// A returned text stays valid until the calling thread's next call that returns one.
const char* keep(std::string text) {
  thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}

std::string text(const char* operation, const char* value) {
  REQUIRE(value != nullptr, operation, ": a text is null");
  return value;
}

template <class Pointer>
void require_object(const char* operation, Pointer* object) {
  REQUIRE(object != nullptr, operation, ": an object is null");
}

}  // namespace

// ---- graph

NativeGraph* NativeGraph::create() {
  auto body = std::make_unique<Body>();
  NativeGraph* made = new NativeGraph;
  made->body = body.release();
  return made;
}

void NativeGraph::destroy(NativeGraph* graph) {
  if (graph == nullptr) return;
  delete graph->body;
  delete graph;
}

int32_t NativeGraph::data(int32_t op, const char* name, int64_t size) {
  const std::string named = text("data node", name);
  switch (static_cast<Op>(op)) {
    case Op::input: return body->graph.input(named, size);
    case Op::target: return body->graph.target(named, size);
    case Op::label: return body->graph.label(named, size);
    default:
      throw InvalidArgument(message("data node '", named, "': operation number ", op, " is no kind of data"));
  }
}

int32_t NativeGraph::parameter(const char* name, int64_t rows, int64_t columns, int32_t initializer,
                               double value) {
  return body->graph.parameter(text("parameter", name), rows, columns, static_cast<Initializer>(initializer),
                               value);
}

int32_t NativeGraph::constant(const char* name, int64_t rows, int64_t columns, const double* values) {
  const std::string named = text("constant", name);
  REQUIRE(values != nullptr, "constant '", named, "': its values are null");
  REQUIRE(rows > 0 && columns > 0 && rows <= max_elements / columns, "constant '", named,
          "': rows and columns must be positive, but are ", rows, " and ", columns);
  return body->graph.constant(named, rows, columns, std::vector<double>(values, values + rows * columns));
}

int32_t NativeGraph::add(int32_t op, const char* name, const int32_t* inputs, int32_t count, double constant,
                         int64_t begin, int64_t end, bool transposed) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "there is no operation number ", op);
  REQUIRE(count >= 0 && (inputs != nullptr || count == 0), name_of(static_cast<Op>(op)),
          ": the inputs are null");
  Node node;
  node.op = static_cast<Op>(op);
  node.name = text(name_of(node.op), name);
  node.inputs.assign(inputs, inputs + count);
  node.constant = constant;
  node.begin = begin;
  node.end = end;
  node.transposed = transposed;
  return body->graph.add(std::move(node));
}

int32_t NativeGraph::custom(const char* name, const char* operation, int32_t input) {
  Node node;
  node.op = Op::custom;
  node.name = text("custom", name);
  node.custom = text("custom", operation);
  node.inputs = {input};
  return body->graph.add(std::move(node));
}

int32_t NativeGraph::size() const { return body->graph.size(); }
int32_t NativeGraph::find(const char* name) const { return body->graph.find(text("finding a node", name)); }
const char* NativeGraph::name(int32_t node) const { return body->graph.node(node).name.c_str(); }
int32_t NativeGraph::op(int32_t node) const { return static_cast<int32_t>(body->graph.node(node).op); }
bool NativeGraph::batched(int32_t node) const { return body->graph.node(node).shape.batched; }
int64_t NativeGraph::rows(int32_t node) const { return body->graph.node(node).shape.rows; }
int64_t NativeGraph::columns(int32_t node) const { return body->graph.node(node).shape.columns; }
int32_t NativeGraph::input_count(int32_t node) const {
  return static_cast<int32_t>(body->graph.node(node).inputs.size());
}
int32_t NativeGraph::input(int32_t node, int32_t index) const {
  const std::vector<int32_t>& inputs = body->graph.node(node).inputs;
  REQUIRE(index >= 0 && static_cast<size_t>(index) < inputs.size(), body->graph.describe(node), " has ",
          inputs.size(), " inputs, but number ", index, " was asked for");
  return inputs[static_cast<size_t>(index)];
}

const char* NativeGraph::operation(int32_t node) const { return body->graph.node(node).custom.c_str(); }

double NativeGraph::attribute(int32_t node) const {
  const Node& it = body->graph.node(node);
  if (it.op == Op::constant && it.shape.is_scalar()) return it.values[0];
  return it.op == Op::parameter ? 0 : it.constant;  // a parameter's is its initializer's
}

int64_t NativeGraph::begin(int32_t node) const { return body->graph.node(node).begin; }
int64_t NativeGraph::end(int32_t node) const { return body->graph.node(node).end; }
bool NativeGraph::transposed(int32_t node) const { return body->graph.node(node).transposed; }

// ---- model

namespace {

template <class Handle, class Body>
Handle* wrap(Handle* handle, std::unique_ptr<Body> body, Body** place) {
  *place = body.release();
  return handle;
}

}  // namespace

NativeModel* NativeModel::create(const NativeGraph* graph, bool double_precision, int64_t seed,
                                 int32_t device) {
  require_object("model", graph);
  auto body = std::make_unique<Body>();
  body->model = std::make_shared<Model>(
      graph->body->graph, double_precision ? DType::float64 : DType::float32, seed, engine(device));
  NativeModel* made = new NativeModel;
  return wrap(made, std::move(body), &made->body);
}

NativeModel* NativeModel::load(const char* path, int32_t device) {
  auto body = std::make_unique<Body>();
  body->model = load_model(text("loading a model", path), engine(device));
  NativeModel* made = new NativeModel;
  return wrap(made, std::move(body), &made->body);
}

void NativeModel::destroy(NativeModel* model) {
  if (model == nullptr) return;
  delete model->body;
  delete model;
}

NativeModel* NativeModel::snapshot() const {
  auto copy = std::make_unique<Body>();
  copy->model = body->model->snapshot();
  NativeModel* made = new NativeModel;
  return wrap(made, std::move(copy), &made->body);
}

NativeGraph* NativeModel::graph() const {
  auto copy = std::make_unique<NativeGraph::Body>();
  copy->graph = body->model->graph();
  NativeGraph* made = new NativeGraph;
  return wrap(made, std::move(copy), &made->body);
}

void NativeModel::save(const char* path) const { save_model(*body->model, text("saving a model", path)); }
bool NativeModel::double_precision() const { return body->model->dtype() == DType::float64; }
int64_t NativeModel::parameter_bytes() const { return body->model->layout().parameter_bytes; }
int64_t NativeModel::constant_bytes() const { return body->model->layout().constant_bytes; }
int64_t NativeModel::seed() const { return body->model->seed(); }
void NativeModel::read_parameter(int32_t node, float* values, int64_t count) const {
  body->model->read_parameter(node, values, count);
}
void NativeModel::read_parameter(int32_t node, double* values, int64_t count) const {
  body->model->read_parameter(node, values, count);
}
void NativeModel::write_parameter(int32_t node, const float* values, int64_t count) {
  body->model->write_parameter(node, values, count);
}
void NativeModel::write_parameter(int32_t node, const double* values, int64_t count) {
  body->model->write_parameter(node, values, count);
}

// ---- inputs and datasets

int64_t* NativeInputs::addresses() { return body->inputs->addresses(); }
int32_t NativeInputs::slots() const { return body->inputs->slots(); }
int64_t NativeInputs::sample_bytes(int32_t slot) const { return body->inputs->sample_bytes(slot); }
char* NativeInputs::reserve(int32_t slot, int64_t batch) { return body->inputs->reserve(slot, batch); }

NativeDataset* NativeDataset::create(int64_t examples) {
  auto body = std::make_unique<Body>();
  body->dataset = std::make_shared<Dataset>(examples);
  NativeDataset* made = new NativeDataset;
  return wrap(made, std::move(body), &made->body);
}

void NativeDataset::destroy(NativeDataset* dataset) {
  if (dataset == nullptr) return;
  delete dataset->body;
  delete dataset;
}

char* NativeDataset::add_column(const char* name, int32_t type, int64_t features) {
  return body->dataset->add_column(text("a column of a dataset", name), static_cast<ColumnType>(type),
                                   features);
}
int64_t NativeDataset::examples() const { return body->dataset->examples(); }

// ---- trainer

NativeTrainer* NativeTrainer::create(NativeModel* model, int32_t loss, int32_t optimizer,
                                     double learning_rate, double momentum, bool nesterov,
                                     double weight_decay, double beta1, double beta2, double epsilon) {
  require_object("trainer", model);
  auto body = std::make_unique<Body>();
  OptimizerSettings settings{static_cast<OptimizerKind>(optimizer),
                             learning_rate,
                             momentum,
                             nesterov,
                             weight_decay,
                             beta1,
                             beta2,
                             epsilon};
  body->trainer = std::make_unique<Trainer>(model->body->model, loss, settings);
  body->inputs_body.inputs = &body->trainer->inputs();
  body->inputs.body = &body->inputs_body;
  NativeTrainer* made = new NativeTrainer;
  return wrap(made, std::move(body), &made->body);
}

NativeTrainer* NativeTrainer::load(NativeModel* model, const char* path) {
  require_object("trainer", model);
  auto body = std::make_unique<Body>();
  body->trainer = load_trainer(model->body->model, text("loading a trainer", path));
  body->inputs_body.inputs = &body->trainer->inputs();
  body->inputs.body = &body->inputs_body;
  NativeTrainer* made = new NativeTrainer;
  return wrap(made, std::move(body), &made->body);
}

void NativeTrainer::destroy(NativeTrainer* trainer) {
  if (trainer == nullptr) return;
  delete trainer->body;
  delete trainer;
}

NativeInputs* NativeTrainer::inputs() { return &body->inputs; }
double NativeTrainer::step(int64_t batch) { return body->trainer->step(batch); }
double NativeTrainer::evaluate(int64_t batch) { return body->trainer->evaluate(batch); }
double NativeTrainer::gradients(int64_t batch) { return body->trainer->gradients(batch); }
void NativeTrainer::read_gradient(int32_t node, float* values, int64_t count) const {
  body->trainer->read_gradient(node, values, count);
}
void NativeTrainer::read_gradient(int32_t node, double* values, int64_t count) const {
  body->trainer->read_gradient(node, values, count);
}

int32_t NativeTrainer::statistics_columns() { return 7; }
void NativeTrainer::statistics(int64_t batch, double* table, int64_t count) {
  const int64_t expected = int64_t{statistics_columns()} * body->trainer->model()->graph().size();
  REQUIRE(table != nullptr && count == expected, "statistics: expected a table of ", expected,
          " numbers, but one of ", count, " came");
  std::fill(table, table + count, 0.0);
  for (const NodeStatistics& s : body->trainer->statistics(batch)) {
    double* row = table + int64_t{s.node} * statistics_columns();
    for (double value : {static_cast<double>(s.count), s.minimum, s.maximum, s.mean, s.standard_deviation,
                         s.delta_norm, s.gradient_norm}) {
      *row++ = value;
    }
  }
}

void NativeTrainer::checking(bool on) { body->trainer->set_checking(on); }
void NativeTrainer::memory(int64_t* bytes, int32_t count) const {
  const MemoryUse use = body->trainer->memory();
  const int64_t all[] = {use.arena,     use.parameters, use.constants, use.state,
                         use.gradients, use.inputs,     use.dataset,   use.checks};
  REQUIRE(bytes != nullptr && count == 8, "memory: expected room for 8 numbers, but for ", count, " came");
  std::copy(std::begin(all), std::end(all), bytes);
}

void NativeTrainer::bind(NativeDataset* dataset, int64_t batch_size) {
  require_object("fit", dataset);
  body->trainer->bind(*dataset->body->dataset, batch_size);
  body->bound = dataset->body->dataset;
}

void NativeTrainer::shuffle(bool on, int64_t seed) { body->trainer->shuffle(on, seed); }
int64_t NativeTrainer::fit(int64_t max_steps, int64_t epochs, double max_milliseconds) {
  return body->trainer->fit(max_steps, epochs, max_milliseconds);
}
double NativeTrainer::running_loss() const { return body->trainer->running_loss(); }
double NativeTrainer::epoch_loss() const { return body->trainer->progress().epoch_loss; }
double NativeTrainer::last_loss() const { return body->trainer->progress().last_loss; }
double NativeTrainer::learning_rate() const { return body->trainer->optimizer().learning_rate; }
void NativeTrainer::set_learning_rate(double value) { body->trainer->set_learning_rate(value); }
int32_t NativeTrainer::optimizer() const { return static_cast<int32_t>(body->trainer->optimizer().kind); }
int64_t NativeTrainer::steps() const { return body->trainer->progress().steps; }
int64_t NativeTrainer::epoch() const { return body->trainer->progress().epoch; }
int64_t NativeTrainer::position() const { return body->trainer->progress().position; }
int32_t NativeTrainer::loss() const { return body->trainer->loss(); }
bool NativeTrainer::trains(int32_t parameter) const { return body->trainer->trains(parameter); }
const char* NativeTrainer::plan(int64_t batch) { return keep(body->trainer->describe_plan(batch)); }
const char* NativeTrainer::profile(int64_t batch, int64_t steps) {
  return keep(body->trainer->profile(batch, steps));
}
void NativeTrainer::save(const char* path) const {
  save_trainer(*body->trainer, text("saving a trainer", path));
}

// ---- predictor

void NativeWorkspace::destroy(NativeWorkspace* workspace) {
  if (workspace == nullptr) return;
  delete workspace->body;
  delete workspace;
}

NativeInputs* NativeWorkspace::inputs() { return &body->inputs; }
char* NativeWorkspace::reserve_output(int32_t index, int64_t batch) {
  return body->workspace->reserve_output(index, batch);
}

NativePredictor* NativePredictor::create(NativeModel* model, const int32_t* outputs, int32_t count) {
  require_object("predictor", model);
  REQUIRE(outputs != nullptr && count > 0, "predictor: expected at least one output");
  auto body = std::make_unique<Body>();
  body->predictor =
      std::make_unique<Predictor>(model->body->model, std::vector<int32_t>(outputs, outputs + count));
  NativePredictor* made = new NativePredictor;
  return wrap(made, std::move(body), &made->body);
}

void NativePredictor::destroy(NativePredictor* predictor) {
  if (predictor == nullptr) return;
  delete predictor->body;
  delete predictor;
}

NativeWorkspace* NativePredictor::workspace() const {
  auto made_body = std::make_unique<NativeWorkspace::Body>();
  made_body->workspace = body->predictor->workspace();
  made_body->inputs_body.inputs = &made_body->workspace->inputs();
  made_body->inputs.body = &made_body->inputs_body;
  NativeWorkspace* made = new NativeWorkspace;
  return wrap(made, std::move(made_body), &made->body);
}

bool NativePredictor::needs(int32_t slot) const { return body->predictor->needs(slot); }
void NativePredictor::checking(bool on) { body->predictor->set_checking(on); }
void NativePredictor::predict(NativeWorkspace* workspace, int64_t batch) const {
  require_object("predicting", workspace);
  body->predictor->predict(*workspace->body->workspace, batch);
}

// ---- the process

int32_t op_count() { return chainrule::op_count; }

const char* op_name(int32_t op) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "there is no operation number ", op);
  return name_of(static_cast<Op>(op));
}

void set_custom_host(CustomHost host) { chainrule::set_custom_host(host); }
int32_t register_custom(const char* name) {
  return chainrule::register_custom(text("registering an operation", name));
}
void unregister_custom(const char* name) {
  chainrule::unregister_custom(text("taking out an operation", name));
}

void set_threads(int32_t count) { set_team_threads(count); }
int32_t threads() { return team_threads(); }
void set_products(int32_t which) { chainrule::set_products(static_cast<Products>(which)); }
int32_t products() { return static_cast<int32_t>(chainrule::products()); }

namespace {

CudaPlaces places(const char* library, const char* folders) {
  CudaPlaces made{text("cuda", library), {}};
  std::istringstream parts(text("cuda", folders));
  for (std::string folder; std::getline(parts, folder, ':');) {
    if (!folder.empty()) made.folders.push_back(folder);
  }
  return made;
}

std::string lines(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : "\n") + sentence;
  return text;
}

}  // namespace

const char* cuda_problems(const char* library, const char* folders) {
  return keep(lines(chainrule::cuda_problems(places(library, folders))));
}
const char* describe_cuda(const char* library, const char* folders) {
  return keep(lines(chainrule::describe_cuda(places(library, folders))));
}
int32_t cuda_device_count(const char* library, const char* folders) {
  return chainrule::cuda_device_count(places(library, folders));
}
int32_t open_cuda(const char* library, const char* folders, int32_t index, int32_t precision) {
  return chainrule::open_cuda(places(library, folders), index, precision);
}

int64_t native_bytes() { return counted_bytes(); }
int64_t native_allocations() { return counted_allocations(); }
const char* blas_description() { return keep(describe_blas()); }
const char* instruction_set() { return instruction_set_name(); }

}  // namespace api
}  // namespace chainrule
