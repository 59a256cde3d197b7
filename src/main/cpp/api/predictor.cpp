// The part of the native API for predictors and their workspaces.
#include <memory>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "runtime/predictor.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeWorkspace::Body {
  std::unique_ptr<Workspace> workspace;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
};
struct NativePredictor::Body {
  std::unique_ptr<Predictor> predictor;
};

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
  REQUIRE(count > 0, "predictor: expected at least one output, but got ", count);
  REQUIRE(outputs != nullptr, "predictor: expected an array of ", count, " outputs, but got null");
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

bool NativePredictor::needed(int32_t slot) const {
  const std::vector<bool>& needed = body->predictor->needed();
  REQUIRE(slot >= 0 && static_cast<size_t>(slot) < needed.size(),
          "predictor: expected the number of one of the graph's ", needed.size(),
          " data slots, counted from 0, but got ", slot);
  return needed[static_cast<size_t>(slot)];
}
void NativePredictor::checking(bool on) { body->predictor->set_checking(on); }
void NativePredictor::predict(NativeWorkspace* workspace, int64_t batch) const {
  require_object("predicting", workspace);
  body->predictor->predict(*workspace->body->workspace, batch);
}

}  // namespace api
}  // namespace chainrule
