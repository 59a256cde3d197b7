// The part of the door behind which training is.
#include <memory>
#include <utility>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "files/model_file.h"
#include "runtime/dataset.h"
#include "runtime/trainer.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeTrainer::Body {
  std::unique_ptr<Trainer> trainer;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
  std::shared_ptr<Dataset> bound;  // lives as long as it is bound
  NativeMemoryUse memory{};
};

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
double NativeTrainer::learning_rate() const { return body->trainer->optimizer().learning_rate; }
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
