// Lowers operations that rearrange or combine features (concat, slice, polynomial_features) or average over the batch
// (batch_mean).
#include "ops/batch_mean.h"
#include "ops/concat.h"
#include "ops/slice.h"
#include "plan/lowering.h"

namespace chainrule {

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

void Lowering::backward_structure(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t to = n.inputs[at(index)];
  const Shape& shape = node(to).shape;
  const std::string text = "d " + node(to).name;
  const int32_t d = delta_value(id);
  bool accumulate;
  const int32_t value = target(to, &accumulate);
  if (n.op == Op::concat) {
    int64_t before = 0;
    for (int32_t i = 0; i < index; ++i) before += input(id, i).shape.rows;
    RowBlock block = Concat::block(before);
    emit_copy(rows_from(value, shape, block.source), rows_from(d, n.shape, block.destination), shape,
              accumulate, text);
  } else if (n.op == Op::slice) {
    if (!accumulate) {
      DraftStep& zero = emit_elementwise(StepKind::fill, Op::identity, shape, text + " = 0");
      zero.refs[0] = elementwise(value, shape, shape);
      zero.writes[0] = true;
    }
    RowBlock block = Slice::block(n.begin);
    emit_copy(rows_from(value, shape, block.source), rows_from(d, n.shape, block.destination), n.shape, true,
              text);
  } else if (n.op == Op::polynomial_features) {
    int32_t x = value_of(to);
    DraftStep& step = emit_rowwise(StepKind::polynomial_backward, n.op, shape, text);
    step.refs[0] = rowwise(value, shape);
    step.writes[0] = true;
    step.refs[1] = rowwise(d, n.shape);
    step.refs[1].access = Access::column;
    step.refs[2] = rowwise(x, shape);
    step.step.accumulate = accumulate;
  } else {
    // batch_mean: δ of a feature is broadcast over the batch.
    DraftStep& step = emit_elementwise(StepKind::unary_backward, Op::scale, shape, text);
    step.refs[0] = elementwise(value, shape, shape);
    step.writes[0] = true;
    step.refs[1] = {d, 0, 1, 0, Access::row};
    step.step.constant = BatchMean::factor(request_.batch);
    step.step.accumulate = accumulate;
  }
}

}  // namespace chainrule
