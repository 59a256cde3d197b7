// The lowering of the user's own operations: forward, backward, and what they mean for the update.
#include "ops/custom.h"
#include "plan/lowering.h"

namespace chainrule {

namespace {

size_t at(int32_t id) { return static_cast<size_t>(id); }

}  // namespace

void Lowering::forward_custom(int32_t id) {
  const Node& n = node(id);
  const int32_t z = value_of(n.inputs[0]), a = value_of(id);
  DraftStep& step =
      emit_elementwise(StepKind::custom_forward, n.op, n.shape, message(n.name, " ['", n.custom, "']"));
  step.refs[0] = elementwise(a, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(z, n.shape, n.shape);
  step.step.custom = custom_number(n.custom);
}

void Lowering::backward_custom(int32_t id) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0];
  const int32_t d = delta_value(id), z = value_of(from);
  bool accumulate;
  const int32_t value = target(from, &accumulate);
  DraftStep& step = emit_elementwise(StepKind::custom_backward, n.op, n.shape,
                                     message("d ", node(from).name, " ['", n.custom, "']"));
  step.refs[0] = elementwise(value, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(d, n.shape, n.shape);
  step.refs[2] = elementwise(z, n.shape, n.shape);
  step.refs[3] = elementwise(values_[at(id)], n.shape, n.shape);
  step.step.custom = custom_number(n.custom);
  step.step.accumulate = accumulate;
}

// A backward of the user's own may fail, and then no parameter may have been written.
bool Lowering::updates_late() const {
  for (int32_t id = 0; id < graph_.size(); ++id) {
    if (node(id).op == Op::custom && delta[at(id)]) return true;
  }
  return false;
}

}  // namespace chainrule
