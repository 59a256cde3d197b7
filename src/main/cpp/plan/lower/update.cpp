// Lowers the update of a parameter: either inside the product that computes the gradient, or from a gradient buffer.
#include "plan/lowering.h"

namespace chainrule {

// Returns true if the backward pass contains a custom operation. The operation can fail, and no parameter may have been
// written before that.
bool Lowering::updates_late() const {
  for (int32_t id = 0; id < graph_.size(); ++id) {
    if (kind_of(node(id).op) == Kind::custom && delta[at(id)]) return true;
  }
  return false;
}

// Returns true if the product that computes the gradient also applies the update (InProduct).
bool Lowering::updates_directly(int32_t id) const {
  const Node& n = node(id);
  if (n.op != Op::parameter || !request_.update || !testing_.update_in_product) return false;
  if (updates_late() || uses_[at(id)] != 1 || !in_product(request_.optimizer).possible) return false;
  const Node& consumer = node(consumer_[at(id)]);
  if (kind_of(consumer.op) != Kind::product || consumer.inputs[0] == id) return false;
  return consumer.inputs[1] != id || input(consumer_[at(id)], 0).shape.batched;
}

int32_t Lowering::direct_update(int32_t id, Coefficient* alpha, Coefficient* beta) {
  const InProduct by = in_product(request_.optimizer);
  *alpha = by.alpha;
  *beta = by.beta;
  return leaf_value(id, by.state < 0 ? Space::parameters : state_space(by.state));
}

void Lowering::update(int32_t id) {
  const Node& n = node(id);
  const InProduct by = in_product(request_.optimizer);
  const bool direct = updates_directly(id);
  if (direct && by.state < 0) return;
  // A vector is treated as one row, so that its update is one loop.
  const Shape row = n.shape.columns == 1 ? Shape::matrix(1, n.shape.rows) : n.shape;
  auto view = [&](int32_t value) { return matrix(value, row, Access::tile); };
  const int32_t gradient = direct ? -1 : delta_value(id);
  DraftStep& step = emit(StepKind::update, n.op, row.rows, row.columns, "update " + n.name);
  step.step.optimizer = request_.optimizer.kind();
  step.refs[0] = view(leaf_value(id, Space::parameters));
  step.writes[0] = true;
  for (int32_t state = 0; state < max_states; ++state) {
    if ((states_of(request_.optimizer) >> state & 1) == 0) continue;
    step.refs[1 + state] = view(leaf_value(id, state_space(state)));
    step.writes[1 + state] = !direct;
  }
  if (!direct) step.refs[update_gradient] = view(gradient);
  if (!direct && (by.possible || by.obstacle != nullptr)) {
    notes.push_back(message("'", n.name, "' is updated from a gradient buffer: ",
                            updates_late() ? std::string("the backward of a custom operation can still fail")
                            : uses_[at(id)] != 1     ? message("it is used ", uses_[at(id)], " times")
                            : by.obstacle != nullptr ? std::string(by.obstacle)
                                                     : std::string("its gradient is not a single product")));
  }
}

}  // namespace chainrule
