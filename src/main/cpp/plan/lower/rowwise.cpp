// The lowering of operations that go over the features of each sample: reductions to one value and maps to a vector.
#include "ops/rules.h"
#include "plan/lowering.h"

namespace chainrule {

void Lowering::forward_rowwise(int32_t id) {
  const Node& n = node(id);
  const Shape& of = input(id, 0).shape;
  int32_t x = value_of(input_id(id, 0)), s = value_of(id);
  StepKind kind = n.op == Op::softmax       ? StepKind::softmax_forward
                  : n.op == Op::log_sum_exp ? StepKind::log_sum_exp_forward
                                            : StepKind::reduction_forward;
  DraftStep& step = emit_rowwise(kind, n.op, of, n.name);
  step.refs[0] = n.op == Op::softmax ? rowwise(s, n.shape) : reduced(s);
  step.writes[0] = true;
  step.refs[1] = rowwise(x, of);
  step.step.count = features(of);
}

void Lowering::backward_rowwise(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t from = n.inputs[at(index)];
  const Shape& shape = node(from).shape;
  const std::string text = "d " + node(from).name;
  const int32_t d = delta_value(id);
  bool accumulate;
  const int32_t value = target(from, &accumulate);
  if (n.op == Op::softmax) {
    DraftStep& step = emit_rowwise(StepKind::softmax_backward, n.op, shape, text);
    step.refs[0] = rowwise(value, shape);
    step.writes[0] = true;
    step.refs[1] = rowwise(d, shape);
    step.refs[2] = rowwise(values_[at(id)], shape);
    step.step.accumulate = accumulate;
    return;
  }
  const StepKind kind =
      n.op == Op::log_sum_exp ? StepKind::log_sum_exp_backward : StepKind::reduction_backward;
  const Saves saved = saves_of(n.op);
  const int32_t x = value_of(from);
  DraftStep& step = emit_elementwise(kind, n.op, shape, text);
  step.refs[0] = elementwise(value, shape, shape);
  step.writes[0] = true;
  step.refs[1] = one_a_sample(d, shape.batched);
  if (saves_input(saved)) step.refs[2] = elementwise(x, shape, shape);
  if (saves_output(saved)) step.refs[3] = one_a_sample(values_[at(id)], shape.batched);
  step.step.count = features(shape);
  step.step.accumulate = accumulate;
}

}  // namespace chainrule
