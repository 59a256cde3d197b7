// The part of the native API for tools: gradient checks, gradients and Jacobians.
#include <memory>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "tools/gradient_check.h"
#include "tools/gradients.h"
#include "tools/jacobian.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeGradientCheck::Body {
  std::unique_ptr<GradientCheck> check;
  std::vector<GradientFinding> findings;
  NativeFinding returned{};
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
};

struct NativeGradients::Body {
  std::unique_ptr<Gradients> gradients;
  std::vector<NodeStatistics> statistics;
  NativeStatistics returned{};
  NativeMemoryUse memory{};
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
};

struct NativeJacobian::Body {
  std::unique_ptr<Jacobian> jacobian;
  NativeInputs inputs;
  NativeInputs::Body inputs_body;
};

NativeGradientCheck* NativeGradientCheck::create(const NativeModel* model, int32_t loss) {
  require_object("gradient check", model);
  auto body = std::make_unique<Body>();
  body->check = std::make_unique<GradientCheck>(*model->body->model, loss);
  body->inputs_body.inputs = &body->check->inputs();
  body->inputs.body = &body->inputs_body;
  auto* made = new NativeGradientCheck;
  return wrap(made, std::move(body), &made->body);
}

void NativeGradientCheck::destroy(NativeGradientCheck* check) {
  if (check == nullptr) return;
  delete check->body;
  delete check;
}

NativeInputs* NativeGradientCheck::inputs() { return &body->inputs; }
void NativeGradientCheck::choose(int32_t node, int64_t row, int64_t column) {
  body->check->choose({node, row, column});
}

int64_t NativeGradientCheck::run(int64_t batch, int32_t directions, int32_t coordinates, double tolerance,
                                 int64_t seed) {
  body->findings = body->check->run(batch, {directions, coordinates, tolerance, static_cast<uint64_t>(seed)});
  return static_cast<int64_t>(body->findings.size());
}

REQUIRE_SAME(NativeVerdict, Verdict, agrees);
REQUIRE_SAME(NativeVerdict, Verdict, differs);
REQUIRE_SAME(NativeVerdict, Verdict, kink);
REQUIRE_SAME(NativeVerdict, Verdict, not_a_number);
REQUIRE_SAME(NativeVerdict, Verdict, too_weak);

const NativeFinding* NativeGradientCheck::finding(int64_t number) {
  const int64_t count = static_cast<int64_t>(body->findings.size());
  REQUIRE(count > 0, "gradient check: expected a run with findings first, but there are no findings");
  REQUIRE(number >= 0 && number < count, "gradient check: expected a finding number from 0 to ", count - 1,
          ", but got ", number);
  const GradientFinding& f = body->findings[static_cast<size_t>(number)];
  body->returned = {
      same<NativeVerdict>(f.verdict), f.node, f.row, f.column, f.expected, f.found, f.error, f.kink};
  return &body->returned;
}

int64_t NativeGradientCheck::worst() const {
  REQUIRE(!body->findings.empty(),
          "gradient check: expected a run with findings first, but there are no findings");
  return &chainrule::worst(body->findings) - body->findings.data();
}

NativeGradients* NativeGradients::create(const NativeModel* model, int32_t loss) {
  require_object("gradients", model);
  auto body = std::make_unique<Body>();
  body->gradients = std::make_unique<Gradients>(model->body->model, loss);
  body->inputs_body.inputs = &body->gradients->inputs();
  body->inputs.body = &body->inputs_body;
  auto* made = new NativeGradients;
  return wrap(made, std::move(body), &made->body);
}

void NativeGradients::destroy(NativeGradients* gradients) {
  if (gradients == nullptr) return;
  delete gradients->body;
  delete gradients;
}

NativeInputs* NativeGradients::inputs() { return &body->inputs; }
void NativeGradients::set_steps_before(int64_t steps) {
  REQUIRE(steps >= 0, "gradients: expected 0 or more earlier steps, but got ", steps);
  body->gradients->set_steps_before(steps);
}

double NativeGradients::compute(int64_t batch) { return body->gradients->compute(batch); }
void NativeGradients::read(int32_t node, float* values, int64_t count) const {
  body->gradients->read(node, values, count);
}
void NativeGradients::read(int32_t node, double* values, int64_t count) const {
  body->gradients->read(node, values, count);
}

int32_t NativeGradients::statistics(int64_t batch) {
  body->statistics = body->gradients->statistics(batch);
  return static_cast<int32_t>(body->statistics.size());
}

const NativeStatistics* NativeGradients::statistic(int32_t number) {
  const int32_t count = static_cast<int32_t>(body->statistics.size());
  REQUIRE(count > 0, "statistics: expected a call of statistics(batch) first, but there are no statistics");
  REQUIRE(number >= 0 && number < count, "statistics: expected the number of an entry, from 0 to ", count - 1,
          ", but got ", number);
  const NodeStatistics& s = body->statistics[static_cast<size_t>(number)];
  body->returned = {s.node,       s.count,        s.minimum, s.maximum, s.mean, s.standard_deviation,
                    s.delta_norm, s.gradient_norm};
  return &body->returned;
}

const NativeMemoryUse* NativeGradients::memory() {
  body->memory = as_native(body->gradients->memory());
  return &body->memory;
}

NativeJacobian* NativeJacobian::create(NativeModel* model, int32_t z, int32_t x) {
  require_object("Jacobian", model);
  auto body = std::make_unique<Body>();
  body->jacobian = std::make_unique<Jacobian>(model->body->model, z, x);
  body->inputs_body.inputs = &body->jacobian->inputs();
  body->inputs.body = &body->inputs_body;
  auto* made = new NativeJacobian;
  return wrap(made, std::move(body), &made->body);
}

void NativeJacobian::destroy(NativeJacobian* jacobian) {
  if (jacobian == nullptr) return;
  delete jacobian->body;
  delete jacobian;
}

NativeInputs* NativeJacobian::inputs() { return &body->inputs; }
int64_t NativeJacobian::matrices(int64_t batch) const { return body->jacobian->matrices(batch); }
void NativeJacobian::compute(int64_t batch, bool by_differences, double* values, int64_t count) {
  body->jacobian->compute(batch, by_differences, values, count);
}

}  // namespace api
}  // namespace chainrule
