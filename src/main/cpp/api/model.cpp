// The part of the native API that creates, loads and saves models and reads and writes their parameters.
#include <memory>
#include <utility>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "devices/devices.h"
#include "files/model_file.h"

namespace chainrule {
namespace api {

NativeModel* NativeModel::create(const NativeGraph* graph, bool double_precision, int64_t seed,
                                 int32_t device) {
  require_object("model", graph);
  const DType dtype = double_precision ? DType::float64 : DType::float32;
  require_numbers(graph->body->graph, dtype);
  auto body = std::make_unique<Body>();
  body->model = std::make_shared<Model>(graph->body->graph, dtype, seed, engine(device));
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
const NativeMemoryUse* NativeModel::memory() {
  body->memory.parameters = body->model->layout().parameter_bytes;
  body->memory.constants = body->model->layout().constant_bytes;
  return &body->memory;
}
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

}  // namespace api
}  // namespace chainrule
