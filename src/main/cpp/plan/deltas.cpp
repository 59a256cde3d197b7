// The part of Lowering that handles δ, the derivative of the loss with respect to a node (graph/backward.h): finds the
// δs that are constants, allocates storage for all other δs, sums δ over broadcast dimensions, reads the caller's δ of
// the loss, and writes the δs that the caller requested.
#include "ops/rules.h"
#include "plan/lowering.h"

namespace chainrule {

namespace {

// Returns the derivative of `node` with respect to its input number `index` if both are scalars and the operation is
// linear, so that the derivative is a constant. Otherwise returns 0.
double static_factor(const Node& node, int32_t index, const Shape& input) {
  if (!traits_of(node.op).linear || !node.shape.is_scalar() || !input.is_scalar()) return 0;
  if (kind_of(node.op) == Kind::unary) {
    return visit_unary(node.op, 0.0, [&](auto rule) {
      using Rule = decltype(rule);
      if constexpr (is_random<Rule>(0))
        return 0.0;  // never reached, because no random rule is linear; its backward() has another signature
      else
        return Rule::backward(1.0, 0.0, node.constant);
    });
  }
  return visit_binary(node.op, 0.0, [&](auto rule) {
    return index == 0 ? decltype(rule)::backward_a(1.0, 0.0) : decltype(rule)::backward_b(1.0, 0.0);
  });
}

}  // namespace

// Finds the δs that are constants: the 1 of the loss, and the δs of scalars from which the loss is computed by linear
// scalar operations only (add, subtract, scale, …). If the δ of a loss operation is a constant, one step computes both
// its value and its derivatives.
void Lowering::find_static_deltas() {
  // all_known[node]: true while every contribution to the node's δ found so far is a constant.
  std::vector<bool> all_known(at(graph_.size()), true);
  deltas_[at(request_.loss)] = {-1, true, 1.0};
  for (int32_t id = request_.loss; id >= 0; --id) {
    if (!delta[at(id)]) continue;
    Delta& d = deltas_[at(id)];
    d.is_static = d.is_static && all_known[at(id)];
    if (testing_.has_fault && testing_.fault_op == node(id).op) d.number *= testing_.fault_factor;
    for (size_t i = 0; i < node(id).inputs.size(); ++i) {
      int32_t from = node(id).inputs[i];
      double factor = static_factor(node(id), static_cast<int32_t>(i), node(from).shape);
      if (!d.is_static || factor == 0) {
        all_known[at(from)] = false;
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

void Lowering::sum_over_broadcast(const Ref& part, const Shape& domain, int32_t id, double factor,
                                  const std::string& text) {
  const Shape& shape = node(id).shape;
  if (shape.batched && shape != domain) return sum_over_features(part, domain, id, factor, text);
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

// Like sum_over_broadcast(), but for a node with one value per sample.
void Lowering::sum_over_features(const Ref& part, const Shape& domain, int32_t id, double factor,
                                 const std::string& text) {
  const Shape& shape = node(id).shape;
  bool accumulate;
  const int32_t value = target(id, &accumulate);
  const bool direct = factor == 1 && !accumulate;
  const int32_t sums = direct ? value : new_value(shape);
  DraftStep& sum = emit_rowwise(StepKind::reduction_forward, Op::sum, domain, text);
  sum.refs[0] = reduced(sums);
  sum.writes[0] = true;
  sum.refs[1] = part;
  sum.step.count = features(domain);
  if (direct) return;
  DraftStep& add = emit_elementwise(StepKind::unary_backward, Op::scale, shape, text);
  add.refs[0] = elementwise(value, shape, shape);
  add.writes[0] = true;
  add.refs[1] = elementwise(sums, shape, shape);
  add.step.constant = factor;
  add.step.accumulate = accumulate;
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

// Emits a step that reads the δ of the loss (the seed) from memory that the caller supplies (PlanRequest::seeded).
// Keeps all values of the forward pass, so that the backward phases can run again.
void Lowering::take_seed() {
  for (Value& value : draft.values) value.keep = true;
  const Shape& shape = node(request_.loss).shape;
  const int32_t slot = static_cast<int32_t>(graph_.data_nodes().size());
  const int32_t user = draft.add_value({Space::input, slot, 0, 0});
  bool accumulate;
  const int32_t value = target(request_.loss, &accumulate);
  DraftStep& step =
      emit_rowwise(StepKind::transpose_in, Op::identity, shape, "input d " + node(request_.loss).name);
  step.refs[0] = rowwise(value, shape);
  step.writes[0] = true;
  step.refs[1] = {user, 0, features(shape), 1, Access::whole};
}

void Lowering::emit_delta_output(int32_t id) {
  for (size_t i = 0; i < request_.deltas.size(); ++i) {
    if (request_.deltas[i] != id) continue;
    const size_t slot = request_.outputs.size() + i;
    emit_output(delta_value(id), node(id).shape, static_cast<int32_t>(slot), "d " + node(id).name);
  }
}

}  // namespace chainrule
