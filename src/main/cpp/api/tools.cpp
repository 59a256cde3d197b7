// The part of the door behind which the tools are: gradient checks and Jacobians.
#include <memory>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "tools/gradient_check.h"
#include "tools/jacobian.h"
#include "util/check.h"

namespace chainrule {
namespace api {

struct NativeGradientCheck::Body {
  std::unique_ptr<GradientCheck> check;
  std::vector<GradientFinding> findings;
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

int32_t NativeGradientCheck::finding_columns() { return 8; }

void NativeGradientCheck::read(double* table, int64_t count) const {
  const int64_t expected = int64_t{finding_columns()} * static_cast<int64_t>(body->findings.size());
  REQUIRE(table != nullptr && count == expected, "gradient check: expected a table of ", expected,
          " numbers, but one of ", count, " came");
  for (const GradientFinding& f : body->findings) {
    for (double value :
         {static_cast<double>(f.verdict), static_cast<double>(f.node), static_cast<double>(f.row),
          static_cast<double>(f.column), f.expected, f.found, f.error, static_cast<double>(f.kink)}) {
      *table++ = value;
    }
  }
}

int64_t NativeGradientCheck::worst() const {
  REQUIRE(!body->findings.empty(), "gradient check: nothing was checked");
  return &chainrule::worst(body->findings) - body->findings.data();
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
