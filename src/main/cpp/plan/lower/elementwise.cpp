// Lowers elementwise operations with one operand and with two operands.
#include "ops/rules.h"
#include "plan/lowering.h"

namespace chainrule {

Op Lowering::unary_rule(int32_t id) const {
  const Op op = node(id).op;
  return traits_of(op).random && !request_.training ? Op::identity : op;
}

void Lowering::forward_unary(int32_t id) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0];
  const int32_t z = value_of(from);
  // Run in place if nothing else needs the input, neither another node nor the backward pass.
  const Op rule = unary_rule(id);
  bool needed_by_backward = delta[at(id)] && saves_input(saves_of(rule));
  bool saved_by_producer = delta[at(from)] && saves_output(saves_of(node(from).op));
  bool own = draft.values[at(z)].space == Space::arena && kind_of(node(from).op) != Kind::leaf;
  const bool overwrites = own && uses_[at(from)] == 1 && !needed_by_backward && !saved_by_producer;
  // If backward needs the derivative, the derivative overwrites the input instead, and the value gets memory of its own.
  const bool saves_derivative = delta[at(id)] && saves_of(rule) == Saves::derivative;
  if (overwrites && saves_derivative) reuse_as_saved(id, z);
  if (overwrites && !saves_derivative) values_[at(id)] = z;
  int32_t a = value_of(id);
  DraftStep& step = emit_elementwise(StepKind::unary_forward, rule, n.shape, n.name);
  step.refs[0] = elementwise(a, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(z, n.shape, n.shape);
  if (deferred_bias_[at(from)] >= 0) step.refs[2] = {deferred_bias_[at(from)], 0, 1, 0, Access::row};
  if (saves_derivative) {
    step.refs[3] = elementwise(saved_value(id, 0, n.shape), n.shape, n.shape);
    step.writes[3] = true;
  }
  step.step.constant = n.constant;
  step.step.node = id;
  step.step.by_sample = n.shape.batched;
}

void Lowering::backward_unary(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t from = n.inputs[at(index)];
  const int32_t d = delta_value(id);
  // Run in place if possible: the δ of this node is not needed after this step.
  bool own = draft.values[at(d)].space == Space::arena && kind_of(node(from).op) != Kind::leaf;
  bool accumulate = false;
  if (deltas_[at(from)].value < 0 && own) {
    deltas_[at(from)].value = d;
  } else {
    target(from, &accumulate);
  }
  const Op rule = unary_rule(id);
  const Saves saved = saves_of(rule);
  int32_t kept = -1;
  if (saves_output(saved)) kept = values_[at(id)];
  if (saves_input(saved)) kept = value_of(from);
  if (saved == Saves::derivative) kept = saved_value(id, 0, n.shape);
  DraftStep& step = emit_elementwise(StepKind::unary_backward, rule, n.shape, "d " + node(from).name);
  step.refs[0] = elementwise(deltas_[at(from)].value, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(d, n.shape, n.shape);
  if (kept >= 0) step.refs[2] = elementwise(kept, n.shape, n.shape);
  step.step.constant = n.constant;
  step.step.node = id;
  step.step.by_sample = n.shape.batched;
  step.step.accumulate = accumulate;
}

void Lowering::forward_binary(int32_t id) {
  const Node& n = node(id);
  int32_t a = value_of(input_id(id, 0)), b = value_of(input_id(id, 1)), c = value_of(id);
  DraftStep& step = emit_elementwise(StepKind::binary_forward, n.op, n.shape, n.name);
  step.refs[0] = elementwise(c, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(a, input(id, 0).shape, n.shape);
  step.refs[2] = elementwise(b, input(id, 1).shape, n.shape);
}

void Lowering::backward_binary(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t to = n.inputs[at(index)], other = n.inputs[at(1 - index)];
  const int32_t d = delta_value(id);
  const Shape& shape = node(to).shape;
  const bool broadcast = shape != n.shape;
  const bool linear = traits_of(n.op).linear;
  const std::string text = "d " + node(to).name;
  if (broadcast && linear) {
    double factor = visit_binary(n.op, 0.0, [&](auto rule) {
      return index == 0 ? decltype(rule)::backward_a(1.0, 0.0) : decltype(rule)::backward_b(1.0, 0.0);
    });
    return sum_over_broadcast(elementwise(d, n.shape, n.shape), n.shape, to, factor, text);
  }
  bool accumulate = false;
  const int32_t value = broadcast ? new_value(n.shape) : target(to, &accumulate);
  const Ref part = elementwise(value, n.shape, n.shape);
  int32_t other_value = linear ? -1 : value_of(other);
  DraftStep& step = emit_elementwise(StepKind::binary_backward, n.op, n.shape, text);
  step.refs[0] = part;
  step.writes[0] = true;
  step.refs[1] = elementwise(d, n.shape, n.shape);
  if (!linear) step.refs[2] = elementwise(other_value, node(other).shape, n.shape);
  step.step.side = index;
  step.step.accumulate = accumulate;
  if (broadcast) sum_over_broadcast(part, n.shape, to, 1, text);
}

}  // namespace chainrule
