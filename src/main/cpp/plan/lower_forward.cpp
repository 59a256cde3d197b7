// The forward half of the lowering, one function a kind of operation, and the losses, whose value and derivatives one pass
// can give.
#include "ops/batch_mean.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/rules.h"
#include "ops/slice.h"
#include "ops/softmax_cross_entropy.h"
#include "plan/lowering.h"

namespace chainrule {

bool Lowering::saves_output(int32_t id) const {
  Op op = node(id).op;
  if (op == Op::softmax || op == Op::log_sum_exp || op == Op::custom) return true;
  return visit_unary(op, Saves::nothing, [](auto rule) { return decltype(rule)::saves; }) == Saves::output;
}

bool Lowering::adds_bias_itself(int32_t id) const {
  int32_t consumer = consumer_[at(id)];
  if (uses_[at(id)] != 1 || consumer < 0 || kind_of(node(consumer).op) != Kind::unary) return false;
  Saves saved = visit_unary(node(consumer).op, Saves::input, [](auto rule) { return decltype(rule)::saves; });
  return !delta[at(consumer)] || saved != Saves::input;
}

void Lowering::forward(int32_t id) {
  const Node& n = node(id);
  const Shape& shape = n.shape;
  switch (kind_of(n.op)) {
    case Kind::leaf: return;
    case Kind::product: return forward_product(id);
    case Kind::unary: return forward_unary(id);
    case Kind::binary: {
      int32_t a = value_of(input_id(id, 0)), b = value_of(input_id(id, 1)), c = value_of(id);
      DraftStep& step = emit_elementwise(StepKind::binary_forward, n.op, shape, n.name);
      step.refs[0] = elementwise(c, shape, shape);
      step.writes[0] = true;
      step.refs[1] = elementwise(a, input(id, 0).shape, shape);
      step.refs[2] = elementwise(b, input(id, 1).shape, shape);
      return;
    }
    case Kind::reduction:
    case Kind::rowwise: {
      const Shape& of = input(id, 0).shape;
      int32_t x = value_of(input_id(id, 0)), s = value_of(id);
      StepKind kind = n.op == Op::softmax       ? StepKind::softmax_forward
                      : n.op == Op::log_sum_exp ? StepKind::log_sum_exp_forward
                                                : StepKind::reduction_forward;
      DraftStep& step = emit_rowwise(kind, n.op, of, n.name);
      step.refs[0] = n.op == Op::softmax ? rowwise(s, shape) : reduced(s);
      step.writes[0] = true;
      step.refs[1] = rowwise(x, of);
      step.step.count = features(of);
      return;
    }
    case Kind::structure: return forward_structure(id);
    case Kind::loss: return loss_step(id, true);
    case Kind::custom: return forward_custom(id);
  }
}

void Lowering::forward_product(int32_t id) {
  const Node& n = node(id);
  emit_product(id, Linear::forward(n.transposed), matrix(value_of(id), n.shape, Access::tile), -1, {1, 0},
               {0, 0}, n.name);
  if (n.inputs.size() < 3) return;
  int32_t bias = value_of(n.inputs[2]);
  if (adds_bias_itself(id)) {
    deferred_bias_[at(id)] = bias;
    return;
  }
  DraftStep& step = emit_elementwise(StepKind::unary_forward, Op::identity, n.shape, n.name + " + bias");
  step.refs[0] = step.refs[1] = elementwise(values_[at(id)], n.shape, n.shape);
  step.writes[0] = true;
  step.refs[2] = {bias, 0, 1, 0, Access::row};
}

void Lowering::forward_unary(int32_t id) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0];
  const int32_t z = value_of(from);
  // In place when nobody else, the backward pass included, wants the input.
  Saves saved = visit_unary(n.op, Saves::input, [](auto rule) { return decltype(rule)::saves; });
  bool wanted_later = delta[at(id)] && saved == Saves::input;
  bool saved_by_producer = delta[at(from)] && saves_output(from);
  bool own = draft.values[at(z)].space == Space::arena && kind_of(node(from).op) != Kind::leaf;
  if (own && uses_[at(from)] == 1 && !wanted_later && !saved_by_producer) values_[at(id)] = z;
  int32_t a = value_of(id);
  DraftStep& step = emit_elementwise(StepKind::unary_forward, n.op, n.shape, n.name);
  step.refs[0] = elementwise(a, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(z, n.shape, n.shape);
  if (deferred_bias_[at(from)] >= 0) step.refs[2] = {deferred_bias_[at(from)], 0, 1, 0, Access::row};
  step.step.constant = n.constant;
}

void Lowering::forward_structure(int32_t id) {
  const Node& n = node(id);
  if (n.op == Op::concat) {
    int64_t before = 0;
    for (int32_t part : n.inputs) {
      const Shape& shape = node(part).shape;
      RowBlock block = Concat::block(before);
      int32_t from = value_of(part);
      emit_copy(rows_from(value_of(id), n.shape, block.destination), rows_from(from, shape, block.source),
                shape, false, n.name);
      before += shape.rows;
    }
    return;
  }
  int32_t x = value_of(n.inputs[0]), out = value_of(id);
  const Shape& of = input(id, 0).shape;
  if (n.op == Op::slice) {
    RowBlock block = Slice::block(n.begin);
    emit_copy(rows_from(out, n.shape, block.destination), rows_from(x, of, block.source), n.shape, false,
              n.name);
  } else if (n.op == Op::polynomial_features) {
    DraftStep& step = emit_rowwise(StepKind::polynomial_forward, n.op, of, n.name);
    step.refs[0] = rowwise(out, n.shape);
    step.refs[0].access = Access::column;
    step.writes[0] = true;
    step.refs[1] = rowwise(x, of);
  } else {
    emit_row_sum(n.op, of.rows, request_.batch, {out, 0, 1, 0, Access::row}, rowwise(x, of), true,
                 {BatchMean::factor(request_.batch), 0}, {0, 0}, n.name);
  }
}

// The derivatives are taken in the same pass as the value when δ is a number known now: its parts then stand before
// the backward pass begins.
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
  int32_t wanted = labels ? user_value(n.inputs[1]) : value_of(n.inputs[1]);
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
  step.refs[2] = labels ? Ref{wanted, 0, 0, 1, Access::whole} : rowwise(wanted, shape);
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
