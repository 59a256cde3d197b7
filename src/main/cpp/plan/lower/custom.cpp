// Lowers custom operations.
#include "ops/custom.h"
#include "plan/lowering.h"

namespace chainrule {

// Returns the value of a node in the engine's memory, where engines expect the operands of custom operations. Other
// operations read data with one feature directly from the user's memory; for a custom operation such data are copied.
int32_t Lowering::own_value_of(int32_t id) {
  const int32_t value = value_of(id);
  if (draft.values[at(value)].space != Space::input) return value;
  const Shape& shape = node(id).shape;
  const int32_t own = new_value(shape);
  emit_copy(elementwise(own, shape, shape), elementwise(value, shape, shape), shape, false,
            "copy " + node(id).name);
  return own;
}

void Lowering::forward_custom(int32_t id) {
  const Node& n = node(id);
  const int32_t z = own_value_of(n.inputs[0]), a = value_of(id);
  DraftStep& step =
      emit_elementwise(StepKind::custom_forward, n.op, n.shape, message(n.name, " ['", n.custom, "']"));
  step.refs[0] = elementwise(a, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(z, n.shape, n.shape);
  step.step.custom = custom_number(n.custom);
}

void Lowering::backward_custom(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t from = n.inputs[at(index)];
  const int32_t d = delta_value(id), z = own_value_of(from);
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

}  // namespace chainrule
