// Lowers operations that use all features of a sample. Reductions give one value per sample (sum, log_sum_exp).
// Row-wise operations give one value per feature (softmax, layer_norm). "Row" means a sample of the user's
// [batch][feature] data; in the engine it is a column.
#include <algorithm>
#include <vector>

#include "ops/rules.h"
#include "plan/lowering.h"

namespace chainrule {

void Lowering::forward_rowwise(int32_t id) {
  const Node& n = node(id);
  const Shape& of = input(id, 0).shape;
  int32_t x = value_of(input_id(id, 0)), s = value_of(id);
  if (kind_of(n.op) == Kind::rowwise) {
    std::vector<Ref> parameters;
    for (size_t i = 1; i < n.inputs.size(); ++i) parameters.push_back(one_a_feature(value_of(n.inputs[i])));
    DraftStep& step = emit_rowwise(StepKind::rowwise_forward, n.op, of, n.name);
    step.refs[0] = rowwise(s, n.shape);
    step.writes[0] = true;
    step.refs[1] = rowwise(x, of);
    if (delta[at(id)] && saved_rows_of(n.op) > 0) {
      step.refs[2] = saved_by_sample(id);
      step.writes[2] = true;
    }
    std::copy(parameters.begin(), parameters.end(), step.refs + 3);
    step.step.constant = n.constant;
    step.step.count = features(of);
    return;
  }
  const StepKind kind = n.op == Op::log_sum_exp ? StepKind::log_sum_exp_forward : StepKind::reduction_forward;
  DraftStep& step = emit_rowwise(kind, n.op, of, n.name);
  step.refs[0] = reduced(s);
  step.writes[0] = true;
  step.refs[1] = rowwise(x, of);
  step.step.count = features(of);
  if (delta[at(id)] && saved_rows_of(n.op) > 0) {
    step.refs[2] = saved_by_sample(id);
    step.writes[2] = true;
  }
}

void Lowering::backward_rowwise(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t from = n.inputs[at(index)];
  const Shape& shape = node(from).shape;
  const std::string text = "d " + node(from).name;
  if (index > 0) return backward_rowwise_parameter(id, index);
  const int32_t d = delta_value(id);
  bool accumulate;
  const int32_t value = target(from, &accumulate);
  if (kind_of(n.op) == Kind::rowwise) {
    const int32_t kept = saves_output(saves_of(n.op)) ? values_[at(id)] : value_of(from);
    const int32_t weight = n.inputs.size() > 1 ? value_of(n.inputs[1]) : -1;
    DraftStep& step = emit_rowwise(StepKind::rowwise_backward, n.op, shape, text);
    step.refs[0] = rowwise(value, shape);
    step.writes[0] = true;
    step.refs[1] = rowwise(d, shape);
    step.refs[2] = rowwise(kept, shape);
    if (saved_rows_of(n.op) > 0) step.refs[3] = saved_by_sample(id);
    if (weight >= 0) step.refs[4] = one_a_feature(weight);
    step.step.accumulate = accumulate;
    step.step.count = features(shape);
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
  if (saved_rows_of(n.op) > 0) {
    step.refs[3] = saved_by_sample(id);
    if (!shape.batched) step.refs[3].column_stride = 0, step.refs[3].access = Access::whole;
  }
  step.step.count = features(shape);
  step.step.accumulate = accumulate;
}

// `index` 1 is the weight, which multiplies: the rule computes each element's contribution to its gradient, and the
// contributions are summed over the samples. `index` 2 is the bias, which is added: its gradient is δ summed over the
// samples.
void Lowering::backward_rowwise_parameter(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0], to = n.inputs[at(index)];
  const Shape& shape = n.shape;
  const std::string text = "d " + node(to).name;
  const int32_t d = delta_value(id);
  bool accumulate = false;
  if (index > 1) {
    if (shape.batched) return sum_over_broadcast(elementwise(d, shape, shape), shape, to, 1, text);
    const int32_t value = target(to, &accumulate);
    return emit_copy(elementwise(value, shape, shape), elementwise(d, shape, shape), shape, accumulate, text);
  }
  const int32_t value = shape.batched ? new_value(shape) : target(to, &accumulate);
  DraftStep& step = emit_rowwise(StepKind::rowwise_parameter_backward, n.op, shape, text);
  step.refs[0] = rowwise(value, shape);
  step.writes[0] = true;
  step.refs[1] = rowwise(d, shape);
  step.refs[2] = rowwise(value_of(from), shape);
  step.refs[3] = saved_by_sample(id);
  step.step.accumulate = accumulate;
  if (shape.batched) sum_over_broadcast(elementwise(value, shape, shape), shape, to, 1, text);
}

// Returns an operand for what the rule's forward pass saves for its backward pass: saved_rows_of(op) rows, one column
// per sample.
Ref Lowering::saved_by_sample(int32_t id) {
  const Shape& of = input(id, 0).shape;
  const int64_t rows = saved_rows_of(node(id).op);
  const Shape shape = of.batched ? Shape::data(rows) : Shape::matrix(rows, 1);
  Ref ref = rowwise(saved_value(id, 0, shape), shape);
  ref.access = Access::column;
  return ref;
}

}  // namespace chainrule
