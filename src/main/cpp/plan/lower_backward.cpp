// The backward half of the lowering: what each operation's rule gives to the δ of its inputs, and the update.
#include "ops/batch_mean.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/rules.h"
#include "ops/slice.h"
#include "plan/lowering.h"

namespace chainrule {

namespace {

// d(node)/d(input) of a scalar node that is a known factor of its input, or 0 when it is not.
double static_factor(const Node& node, int32_t index, const Shape& input) {
  if (!node.shape.is_scalar() || !input.is_scalar()) return 0;
  if (node.op == Op::scale || node.op == Op::negate || node.op == Op::identity) {
    return visit_unary(node.op, 0.0,
                       [&](auto rule) { return decltype(rule)::backward(1.0, 0.0, node.constant); });
  }
  if (node.op == Op::add || node.op == Op::subtract) {
    return visit_binary(node.op, 0.0, [&](auto rule) {
      return index == 0 ? decltype(rule)::backward_a(1.0, 0.0) : decltype(rule)::backward_b(1.0, 0.0);
    });
  }
  return 0;
}

}  // namespace

// From the loss down, as long as δ is a number: through sums and scalings of scalars. A loss whose δ is known can give
// its derivatives in the same pass as its value.
void Lowering::find_static_deltas() {
  std::vector<bool> open(at(graph_.size()), true);  // no part yet that is not a number
  deltas_[at(request_.loss)] = {-1, true, 1.0};
  for (int32_t id = request_.loss; id >= 0; --id) {
    if (!delta[at(id)]) continue;
    Delta& d = deltas_[at(id)];
    d.is_static = d.is_static && open[at(id)];
    if (testing_.has_fault && testing_.fault_op == node(id).op) d.number *= testing_.fault_factor;
    for (size_t i = 0; i < node(id).inputs.size(); ++i) {
      int32_t from = node(id).inputs[i];
      double factor = static_factor(node(id), static_cast<int32_t>(i), node(from).shape);
      if (!d.is_static || factor == 0) {
        open[at(from)] = false;
      } else {
        deltas_[at(from)].is_static = true;
        deltas_[at(from)].number += factor * d.number;
      }
    }
  }
}

int32_t Lowering::target(int32_t id, bool* accumulate) {
  Delta& d = deltas_[at(id)];
  *accumulate = d.value >= 0;
  if (d.value < 0) {
    bool keep = node(id).op == Op::parameter && !request_.update && !request_.seeded;
    d.value = keep ? leaf_value(id, Space::gradients) : new_value(node(id).shape);
  }
  return d.value;
}

int32_t Lowering::delta_value(int32_t id) {
  Delta& d = deltas_[at(id)];
  if (d.value >= 0) return d.value;
  bool accumulate;
  int32_t value = target(id, &accumulate);
  DraftStep& step = emit_elementwise(StepKind::fill, Op::identity, node(id).shape, "d " + node(id).name);
  step.refs[0] = elementwise(value, node(id).shape, node(id).shape);
  step.writes[0] = true;
  step.step.constant = d.number;
  return value;
}

void Lowering::apply_fault(int32_t id) {
  Delta& d = deltas_[at(id)];
  if (d.value < 0 || kind_of(node(id).op) == Kind::leaf) return;
  const Shape& shape = node(id).shape;
  int32_t scaled = new_value(shape);
  DraftStep& step = emit_elementwise(StepKind::unary_backward, Op::scale, shape, "test fault");
  step.refs[0] = elementwise(scaled, shape, shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(d.value, shape, shape);
  step.step.constant = testing_.fault_factor;
  d.value = scaled;
}

// δ from outside. What the forward pass has left is kept, so that the backward phases can run once more.
void Lowering::take_seed() {
  for (Value& value : draft.values) value.keep = true;
  const Shape& shape = node(request_.loss).shape;
  const int32_t slot = static_cast<int32_t>(graph_.data_nodes().size());
  const int32_t user = draft.add_value({Space::input, slot, 0, 0});
  bool accumulate;
  const int32_t value = target(request_.loss, &accumulate);
  DraftStep& step =
      emit_rowwise(StepKind::transpose_in, Op::identity, shape, "take d " + node(request_.loss).name);
  step.refs[0] = rowwise(value, shape);
  step.writes[0] = true;
  step.refs[1] = {user, 0, features(shape), 1, Access::whole};
}

void Lowering::hand_out_delta(int32_t id) {
  for (size_t i = 0; i < request_.deltas.size(); ++i) {
    if (request_.deltas[i] != id) continue;
    const size_t slot = request_.outputs.size() + i;
    hand_out(delta_value(id), node(id).shape, static_cast<int32_t>(slot), "d " + node(id).name);
  }
}

void Lowering::complete(int32_t id) {
  const Node& n = node(id);
  if (testing_.has_fault && testing_.fault_op == n.op && !deltas_[at(id)].is_static) apply_fault(id);
  hand_out_delta(id);
  if (n.op == Op::parameter) {
    if (request_.update && (updates_late() || backend_.updates_last())) {
      late_updates_.push_back(id);  // side by side
    } else if (request_.update) {
      update(id);
    } else {
      delta_value(id);
    }
  } else if (kind_of(n.op) == Kind::loss) {
    loss_step(id, false);
  }
}

void Lowering::backward(int32_t id, int32_t index) {
  if (deltas_[at(input_id(id, index))].is_static) return;  // known since find_static_deltas
  switch (kind_of(node(id).op)) {
    case Kind::leaf:
    case Kind::loss:  // complete() has done both operands
      return;
    case Kind::product: return backward_product(id, index);
    case Kind::unary: return backward_unary(id);
    case Kind::binary: return backward_binary(id, index);
    case Kind::reduction:
    case Kind::rowwise: return backward_rowwise(id);
    case Kind::structure: return backward_structure(id, index);
    case Kind::custom: return backward_custom(id);
  }
}

void Lowering::backward_product(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t to = n.inputs[at(index)];
  const int32_t d = delta_value(id);
  const std::string text = "d " + node(to).name;
  Coefficient alpha{1, 0}, beta{0, 0};
  if (index == 2) {
    if (!updates_directly(to)) return sum_over_batch(rowwise(d, n.shape), n.shape, to, 1, text);
    int32_t written = direct_update(to, &alpha, &beta);
    return emit_row_sum(Op::linear, n.shape.rows, request_.batch, {written, 0, 1, 0, Access::row},
                        rowwise(d, n.shape), true, alpha, beta, "update " + node(to).name);
  }
  const Product which = index == 0 ? Linear::d_input(n.transposed) : Linear::d_weight(n.transposed);
  if (index == 1 && updates_directly(to)) {
    int32_t written = direct_update(to, &alpha, &beta);
    emit_product(id, which, matrix(written, node(to).shape, Access::tile), d, alpha, beta,
                 "update " + node(to).name);
    return;
  }
  bool accumulate;
  int32_t value = target(to, &accumulate);
  beta.constant = accumulate ? 1 : 0;
  emit_product(id, which, matrix(value, node(to).shape, Access::tile), d, alpha, beta, text);
}

void Lowering::backward_unary(int32_t id) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0];
  const int32_t d = delta_value(id);
  // In place: δ of this node is not needed again.
  bool own = draft.values[at(d)].space == Space::arena && kind_of(node(from).op) != Kind::leaf;
  bool accumulate = false;
  if (deltas_[at(from)].value < 0 && own) {
    deltas_[at(from)].value = d;
  } else {
    target(from, &accumulate);
  }
  Saves saved = visit_unary(n.op, Saves::nothing, [](auto rule) { return decltype(rule)::saves; });
  int32_t kept = saved == Saves::output ? values_[at(id)] : saved == Saves::input ? value_of(from) : -1;
  DraftStep& step = emit_elementwise(StepKind::unary_backward, n.op, n.shape, "d " + node(from).name);
  step.refs[0] = elementwise(deltas_[at(from)].value, n.shape, n.shape);
  step.writes[0] = true;
  step.refs[1] = elementwise(d, n.shape, n.shape);
  if (kept >= 0) step.refs[2] = elementwise(kept, n.shape, n.shape);
  step.step.constant = n.constant;
  step.step.accumulate = accumulate;
}

void Lowering::backward_binary(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t to = n.inputs[at(index)], other = n.inputs[at(1 - index)];
  const int32_t d = delta_value(id);
  const Shape& shape = node(to).shape;
  const bool broadcast = shape != n.shape;
  const bool linear = n.op != Op::multiply;
  const std::string text = "d " + node(to).name;
  if (broadcast && linear) {
    double factor = visit_binary(n.op, 0.0, [&](auto rule) {
      return index == 0 ? decltype(rule)::backward_a(1.0, 0.0) : decltype(rule)::backward_b(1.0, 0.0);
    });
    return sum_over_batch(elementwise(d, n.shape, n.shape), n.shape, to, factor, text);
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
  if (broadcast) sum_over_batch(part, n.shape, to, 1, text);
}

// Adds factor * (the sum of `part` over everything that node `id` was broadcast over) to the node's δ.
void Lowering::sum_over_batch(const Ref& part, const Shape& domain, int32_t id, double factor,
                              const std::string& text) {
  const Shape& shape = node(id).shape;
  bool accumulate;
  int32_t value = target(id, &accumulate);
  auto row_sum = [&](int64_t rows, int64_t columns, const Ref& from, int32_t to, double alpha, bool add,
                     bool over_samples = true) {
    emit_row_sum(Op::add, rows, columns, {to, 0, 1, 0, Access::row}, from, over_samples, {alpha, 0},
                 {add ? 1.0 : 0.0, 0}, text);
  };
  if (!domain.batched) return row_sum(1, domain.elements(), part, value, factor, accumulate, false);
  if (shape.rows == domain.rows) return row_sum(domain.rows, request_.batch, part, value, factor, accumulate);
  int32_t by_feature = new_value(Shape::matrix(domain.rows, 1));
  row_sum(domain.rows, request_.batch, part, by_feature, 1, false);
  row_sum(1, domain.rows, {by_feature, 0, domain.rows, 1, Access::tile}, value, factor, accumulate, false);
}

void Lowering::backward_rowwise(int32_t id) {
  const Node& n = node(id);
  const int32_t from = n.inputs[0];
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
  auto one_a_sample = [&](int32_t v) { return shape.batched ? reduced(v) : Ref{v, 0, 0, 0, Access::whole}; };
  const bool exponential = n.op == Op::log_sum_exp;
  const int32_t x = value_of(from);
  DraftStep& step = emit_elementwise(
      exponential ? StepKind::log_sum_exp_backward : StepKind::reduction_backward, n.op, shape, text);
  step.refs[0] = elementwise(value, shape, shape);
  step.writes[0] = true;
  step.refs[1] = one_a_sample(d);
  if (exponential || n.op == Op::squared_norm) step.refs[2] = elementwise(x, shape, shape);
  if (exponential) step.refs[3] = one_a_sample(values_[at(id)]);
  step.step.count = features(shape);
  step.step.accumulate = accumulate;
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
    // batch_mean: δ of a feature spreads over the batch.
    DraftStep& step = emit_elementwise(StepKind::unary_backward, Op::scale, shape, text);
    step.refs[0] = elementwise(value, shape, shape);
    step.writes[0] = true;
    step.refs[1] = {d, 0, 1, 0, Access::row};
    step.step.constant = BatchMean::factor(request_.batch);
    step.step.accumulate = accumulate;
  }
}

// ---- the update

// An update that is linear in the gradient needs no gradient buffer: SGD is the product δaᵀ itself with α = -η and
// β = 1 - ηλ into the weight, momentum the same with α = 1 and β = μ into the velocity.
bool Lowering::updates_directly(int32_t id) const {
  const Node& n = node(id);
  if (n.op != Op::parameter || !request_.update || !testing_.update_in_product) return false;
  if (updates_late() || uses_[at(id)] != 1 || request_.rule.kind != OptimizerKind::sgd) return false;
  const Node& consumer = node(consumer_[at(id)]);
  if (kind_of(consumer.op) != Kind::product || consumer.inputs[0] == id) return false;
  if (consumer.inputs[1] == id && !input(consumer_[at(id)], 0).shape.batched) return false;
  return request_.rule.momentum == 0 || (!request_.rule.nesterov && request_.rule.weight_decay == 0);
}

int32_t Lowering::direct_update(int32_t id, Coefficient* alpha, Coefficient* beta) {
  if (request_.rule.momentum == 0) {
    *alpha = {0, -1};
    *beta = {1, -request_.rule.weight_decay};
    return leaf_value(id, Space::parameters);
  }
  *alpha = {1, 0};
  *beta = {request_.rule.momentum, 0};
  return leaf_value(id, Space::state0);
}

void Lowering::update(int32_t id) {
  const Node& n = node(id);
  const UpdateRule& rule = request_.rule;
  const bool direct = updates_directly(id);
  if (direct && rule.momentum == 0) return;
  // A vector is one row, so that its update is one loop.
  const Shape row = n.shape.columns == 1 ? Shape::matrix(1, n.shape.rows) : n.shape;
  auto view = [&](int32_t value) { return matrix(value, row, Access::tile); };
  const int32_t gradient = direct ? -1 : delta_value(id);
  const bool adam = rule.kind != OptimizerKind::sgd;
  DraftStep& step =
      emit(adam ? StepKind::adam : StepKind::sgd, n.op, row.rows, row.columns, "update " + n.name);
  step.refs[0] = view(leaf_value(id, Space::parameters));
  step.writes[0] = true;
  if (adam || rule.momentum != 0) {
    step.refs[1] = view(leaf_value(id, Space::state0));
    step.writes[1] = !direct;
  }
  if (adam) {
    step.refs[2] = view(leaf_value(id, Space::state1));
    step.writes[2] = true;
    step.refs[3] = view(gradient);
  } else if (!direct) {
    step.refs[2] = view(gradient);
  }
  if (!direct && rule.kind == OptimizerKind::sgd) {
    notes.push_back(message(
        "'", n.name, "' is updated from a gradient buffer: ",
        updates_late()       ? std::string("the backward of an operation of the user's own may still fail")
        : uses_[at(id)] != 1 ? message("it has ", uses_[at(id)], " uses")
        : rule.momentum != 0 && rule.nesterov ? std::string("Nesterov momentum needs the gradient itself")
        : rule.momentum != 0 && rule.weight_decay != 0
            ? std::string("momentum with weight decay needs the gradient itself")
            : std::string("its gradient is not one product")));
  }
}

}  // namespace chainrule
