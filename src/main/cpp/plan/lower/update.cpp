// The lowering of the update: inside the product that gives the gradient, or from a gradient buffer.
#include "plan/lowering.h"

namespace chainrule {

// A backward of the user's own may fail, and then no parameter may have been written.
bool Lowering::updates_late() const {
  for (int32_t id = 0; id < graph_.size(); ++id) {
    if (kind_of(node(id).op) == Kind::custom && delta[at(id)]) return true;
  }
  return false;
}

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
