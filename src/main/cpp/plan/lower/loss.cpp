// Lowers losses. One step can compute the value and the derivatives.
#include "ops/rules.h"
#include "ops/softmax_cross_entropy.h"
#include "plan/lowering.h"

namespace chainrule {

// If the δ of the loss is a constant (find_static_deltas), the derivatives are computed in the same step as the value.
// Their contributions to the δs of the inputs then exist before the backward pass begins.
void Lowering::loss_step(int32_t id, bool values) {
  const Node& n = node(id);
  const Shape& shape = input(id, 0).shape;
  const bool labels = input(id, 1).op == Op::label;
  const bool mean_over_outputs = visit_loss(n.op, SoftmaxCrossEntropy::mean_over_outputs,
                                            [](auto rule) { return decltype(rule)::mean_over_outputs; });
  const double factor =
      1.0 / static_cast<double>(request_.batch) / static_cast<double>(mean_over_outputs ? shape.rows : 1);
  const bool is_static = deltas_[at(id)].is_static;
  const bool derivatives = delta[at(id)] && values == is_static;
  if (!values && !derivatives) return;

  int32_t prediction = value_of(n.inputs[0]);
  int32_t target_value = labels ? user_value(n.inputs[1]) : value_of(n.inputs[1]);
  int32_t dynamic_delta = derivatives && !is_static ? delta_value(id) : -1;
  bool accumulate[2] = {false, false};
  int32_t targets[2] = {-1, -1};
  for (int32_t i = 0; i < 2 && derivatives; ++i) {
    if (delta[at(n.inputs[static_cast<size_t>(i)])])
      targets[i] = target(n.inputs[static_cast<size_t>(i)], &accumulate[i]);
  }
  int32_t partials = -1;
  const int64_t blocks = (request_.batch + loss_block - 1) / loss_block;
  if (values) {
    Value value;
    value.bytes = blocks * static_cast<int64_t>(sizeof(double));
    partials = draft.add_value(value);
  }

  DraftStep& step = emit_rowwise(StepKind::loss, n.op, shape, values ? n.name : "d " + n.name);
  if (values) {
    step.refs[0] = {partials, 0, 0, 1, Access::whole};
    step.writes[0] = true;
  }
  step.refs[1] = rowwise(prediction, shape);
  step.refs[2] = labels ? Ref{target_value, 0, 0, 1, Access::whole} : rowwise(target_value, shape);
  for (int32_t i = 0; i < 2; ++i) {
    if (targets[i] < 0) continue;
    step.refs[3 + i] = rowwise(targets[i], shape);
    step.writes[3 + i] = true;
  }
  if (dynamic_delta >= 0) step.refs[5] = {dynamic_delta, 0, 0, 0, Access::whole};
  step.step.constant = n.constant;
  step.step.constant2 = factor * (is_static ? deltas_[at(id)].number : 1.0);
  step.step.accumulate = accumulate[0];
  step.step.accumulate2 = accumulate[1];
  step.step.labels = labels;
  if (!values) return;

  int32_t s = value_of(id);
  DraftStep& sum = emit(StepKind::loss_value, n.op, 1, 1, n.name + " mean");
  sum.refs[0] = {s, 0, 1, 1, Access::tile};
  sum.writes[0] = true;
  sum.refs[1] = {partials, 0, 0, 1, Access::whole};
  sum.step.constant = factor;
  sum.step.count = blocks;
}

}  // namespace chainrule
