// Lowers matrix products, with the bias of the forward product and the update inside the backward product.
#include <utility>

#include "ops/linear.h"
#include "ops/rules.h"
#include "plan/lowering.h"

namespace chainrule {

void Lowering::emit_product(int32_t id, const Product& which, const Ref& c, int32_t delta_of,
                            const Coefficient& alpha, const Coefficient& beta, const std::string& text) {
  struct Side {
    Ref ref;
    bool transposed, batched;
    int64_t rows, columns;  // of op(side)
  };
  const Shape& weight = input(id, 1).shape;
  auto side = [&](Factor factor, bool transposed) {
    const bool is_delta = factor == Factor::delta;
    const int32_t source = is_delta ? id : input_id(id, factor == Factor::weight ? 1 : 0);
    const Shape& shape = node(source).shape;
    Side result;
    result.transposed = transposed;
    result.batched = shape.batched;
    result.rows = shape.rows;
    result.columns = shape.batched ? request_.batch : shape.columns;
    if (transposed) std::swap(result.rows, result.columns);
    if (!is_delta && traits_of(node(source).op).data &&
        !backend_.transposes_input(request_.dtype, weight.rows, weight.columns)) {
      // The user's [batch][feature] is the transpose of the matrix in the formula. The product reads it transposed.
      result.ref = {user_value(source), 0, shape.rows, 1, Access::whole};
      result.transposed = !transposed;
    } else {
      result.ref = matrix(is_delta ? delta_of : value_of(source), shape, Access::whole);
    }
    return result;
  };
  Side a = side(which.a, which.a_transposed), b = side(which.b, which.b_transposed);
  // The samples are either the columns of C or the dimension of the sum. In the first case a tile reads only the
  // samples of its columns, in the second case a part of the sum reads only its range of samples.
  const bool over_samples = a.batched ? !which.a_transposed : b.batched && which.b_transposed;
  const bool in_parts = part_depth(a.rows, b.columns, a.columns, over_samples) < a.columns;
  if (a.batched && in_parts && !which.a_transposed) a.ref.access = Access::column;
  if (b.batched && in_parts == which.b_transposed) b.ref.access = Access::column;
  DraftStep& step = emit(StepKind::product, node(id).op, a.rows, b.columns, text);
  step.refs[0] = c;
  step.writes[0] = true;
  step.refs[1] = a.ref;
  step.refs[2] = b.ref;
  step.step.k = a.columns;
  step.step.over_samples = over_samples;
  step.step.transposed_a = a.transposed;
  step.step.transposed_b = b.transposed;
  step.step.alpha = alpha;
  step.step.beta = beta;
  split_sum(a.rows, b.columns, a.columns);
}

bool Lowering::adds_bias_itself(int32_t id) const {
  int32_t consumer = consumer_[at(id)];
  if (uses_[at(id)] != 1 || consumer < 0 || kind_of(node(consumer).op) != Kind::unary) return false;
  return !delta[at(consumer)] || !saves_input(saves_of(unary_rule(consumer)));
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

void Lowering::backward_product(int32_t id, int32_t index) {
  const Node& n = node(id);
  const int32_t to = n.inputs[at(index)];
  const int32_t d = delta_value(id);
  const std::string text = "d " + node(to).name;
  Coefficient alpha{1, 0}, beta{0, 0};
  if (index == 2) {
    if (!updates_directly(to)) return sum_over_broadcast(rowwise(d, n.shape), n.shape, to, 1, text);
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

}  // namespace chainrule
