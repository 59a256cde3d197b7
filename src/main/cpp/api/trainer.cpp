// The part of the native API for optimizers and trainers.
#include <memory>
#include <utility>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "files/model_file.h"
#include "optim/optimizer.h"
#include "runtime/dataset.h"
#include "runtime/trainer.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeTrainer::Body {
  std::unique_ptr<Trainer> trainer;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
  std::shared_ptr<Dataset> bound;  // keeps the bound data set alive
  NativeMemoryUse memory{};
};

int32_t optimizer_count() { return chainrule::optimizer_count; }
const char* optimizer_name(int32_t optimizer) {
  REQUIRE(optimizer >= 0 && optimizer < chainrule::optimizer_count,
          "optimizer name: expected an optimizer number from 0 to ", chainrule::optimizer_count - 1,
          ", but got ", optimizer);
  return name_of(static_cast<OptimizerKind>(optimizer));
}

struct NativeOptimizer::Body {
  OptimizerSettings settings;
};

NativeOptimizer* NativeOptimizer::create(const char* name) {
  auto body = std::make_unique<Body>(Body{OptimizerSettings(text("optimizer", name))});
  NativeOptimizer* made = new NativeOptimizer;
  return wrap(made, std::move(body), &made->body);
}

void NativeOptimizer::destroy(NativeOptimizer* optimizer) {
  if (optimizer == nullptr) return;
  delete optimizer->body;
  delete optimizer;
}

void NativeOptimizer::set(const char* setting, double value) {
  body->settings.set(text("optimizer", setting), value);
}
double NativeOptimizer::value(const char* setting) const {
  return body->settings.get(text("optimizer", setting));
}
int32_t NativeOptimizer::setting_count() const { return settings_of(body->settings.kind()).count; }
const char* NativeOptimizer::setting(int32_t index) const {
  const SettingList list = settings_of(body->settings.kind());
  REQUIRE(index >= 0 && index < list.count, "optimizer setting: expected an index from 0 to ", list.count - 1,
          ", but got ", index);
  return list.first[index].name;
}
void NativeOptimizer::check(bool double_precision) const {
  check_optimizer(body->settings, double_precision ? DType::float64 : DType::float32);
}

NativeTrainer* NativeTrainer::create(NativeModel* model, int32_t loss, const NativeOptimizer* optimizer) {
  require_object("trainer", model);
  require_object("trainer", optimizer);
  auto body = std::make_unique<Body>();
  body->trainer = std::make_unique<Trainer>(model->body->model, loss, optimizer->body->settings);
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
void NativeTrainer::checking(bool on) { body->trainer->set_checking(on); }
const NativeMemoryUse* NativeTrainer::memory() {
  body->memory = as_native(body->trainer->memory());
  return &body->memory;
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
double NativeTrainer::learning_rate() const { return body->trainer->optimizer().get("learning_rate"); }
void NativeTrainer::set_learning_rate(double value) { body->trainer->set_learning_rate(value); }
int64_t NativeTrainer::steps() const { return body->trainer->progress().steps; }
int64_t NativeTrainer::epoch() const { return body->trainer->progress().epoch; }
int64_t NativeTrainer::epoch_position() const { return body->trainer->progress().position; }
int32_t NativeTrainer::loss() const { return body->trainer->loss(); }
bool NativeTrainer::trains(int32_t parameter) const { return body->trainer->trains(parameter); }
const char* NativeTrainer::plan(int64_t batch) { return keep(body->trainer->describe_plan(batch)); }
const char* NativeTrainer::profile(int64_t batch, int64_t steps) {
  return keep(body->trainer->profile(batch, steps));
}
void NativeTrainer::save(const char* path) const {
  save_trainer(*body->trainer, text("saving a trainer", path));
}

}  // namespace api
}  // namespace chainrule
