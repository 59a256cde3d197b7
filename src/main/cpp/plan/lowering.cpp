#include "plan/lowering.h"

#include <algorithm>

namespace chainrule {

namespace {

constexpr int64_t max_bytes = int64_t{1} << 50;

}  // namespace

LeafLayout lay_out_leaves(const Graph& graph, DType dtype) {
  LeafLayout layout;
  layout.offsets.assign(at(graph.size()), -1);
  for (int32_t id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.op != Op::parameter && node.op != Op::constant) continue;
    int64_t& bytes = node.op == Op::parameter ? layout.parameter_bytes : layout.constant_bytes;
    layout.offsets[at(id)] = bytes;
    bytes += (node.shape.elements() * size_of(dtype) + 63) / 64 * 64;
    REQUIRE(bytes <= max_bytes, "the parameters of this graph need more than ", max_bytes, " bytes");
  }
  return layout;
}

Lowering::Lowering(const Graph& graph, const PlanRequest& request, const Backend& backend,
                   const PlanTesting& testing)
    : reads_slot(graph.data_nodes().size(), false),
      graph_(graph),
      request_(request),
      backend_(backend),
      testing_(testing),
      layout_(lay_out_leaves(graph, request.dtype)),
      values_(at(graph.size()), -1),
      user_values_(at(graph.size()), -1),
      saved_values_(at(graph.size())),
      uses_(at(graph.size()), 0),
      consumer_(at(graph.size()), -1),
      deferred_bias_(at(graph.size()), -1),
      deltas_(at(graph.size())) {
  for (std::vector<int32_t>& leaves : leaf_values_) leaves.assign(at(graph.size()), -1);
  std::vector<int32_t> ends = request.outputs;
  if (request.loss >= 0) ends.push_back(request.loss);
  needed = needed_for(graph, ends);
  for (int32_t end : ends) ++uses_[at(end)];
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (!needed[at(id)]) continue;
    for (int32_t input : node(id).inputs) {
      ++uses_[at(input)];
      consumer_[at(input)] = id;
    }
  }
  delta.assign(at(graph.size()), false);
  if (request.backward) {
    std::vector<int32_t> wrt;
    if (!request.seeded) wrt = graph.parameters();
    wrt.insert(wrt.end(), request.deltas.begin(), request.deltas.end());
    delta = needs_delta(graph, request.loss, wrt);
  }
}

void Lowering::run() {
  if (request_.backward && !request_.seeded) find_static_deltas();
  for (int32_t id = 0; id < graph_.size(); ++id) {
    if (needed[at(id)]) forward(id);
  }
  for (size_t i = 0; i < request_.outputs.size(); ++i) {
    int32_t id = request_.outputs[i];
    emit_output(value_of(id), node(id).shape, static_cast<int32_t>(i), node(id).name);
  }
  if (request_.loss >= 0) draft.values[at(value_of(request_.loss))].keep = true;
  if (!request_.backward) return;
  in_backward_ = true;
  if (request_.seeded) take_seed();
  walk_backward(graph_, request_.loss, delta, *this);
  if (updates_late()) draft.barrier = static_cast<int32_t>(draft.steps.size());
  for (int32_t id : late_updates_) update(id);
}

// ---- the walk over the nodes: one forward and one backward function per kind of operation

void Lowering::forward(int32_t id) {
  switch (kind_of(node(id).op)) {
    case Kind::leaf: return;
    case Kind::product: return forward_product(id);
    case Kind::unary: return forward_unary(id);
    case Kind::binary: return forward_binary(id);
    case Kind::reduction:
    case Kind::rowwise: return forward_rowwise(id);
    case Kind::structure: return forward_structure(id);
    case Kind::loss: return loss_step(id, true);
    case Kind::custom: return forward_custom(id);
  }
}

void Lowering::complete(int32_t id) {
  const Node& n = node(id);
  if (testing_.has_fault && testing_.fault_op == n.op && !deltas_[at(id)].is_static) apply_fault(id);
  emit_delta_output(id);
  if (n.op == Op::parameter) {
    if (request_.update && (updates_late() || backend_.updates_last())) {
      late_updates_.push_back(id);  // emitted together at the end
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
  if (deltas_[at(input_id(id, index))].is_static) return;  // a constant that find_static_deltas has found
  switch (kind_of(node(id).op)) {
    case Kind::leaf:
    case Kind::loss:  // complete() has computed the derivatives of both operands
      return;
    case Kind::product: return backward_product(id, index);
    case Kind::unary: return backward_unary(id, index);
    case Kind::binary: return backward_binary(id, index);
    case Kind::reduction:
    case Kind::rowwise: return backward_rowwise(id, index);
    case Kind::structure: return backward_structure(id, index);
    case Kind::custom: return backward_custom(id, index);
  }
}

// ---- values, and views of values as operands of steps

int32_t Lowering::new_value(const Shape& shape) {
  int64_t columns = shape.batched ? leading_dimension() : shape.columns;
  REQUIRE(shape.rows <= max_bytes / element() / columns, "a value of ", shape.rows, " x ", columns,
          " elements does not fit into memory; the batch has ", request_.batch, " samples");
  Value value;
  value.bytes = shape.rows * columns * element();
  return draft.add_value(value);
}

int32_t Lowering::slot_of(int32_t id) const {
  const std::vector<int32_t>& data = graph_.data_nodes();
  return static_cast<int32_t>(std::find(data.begin(), data.end(), id) - data.begin());
}

int32_t Lowering::user_value(int32_t id) {
  int32_t& value = user_values_[at(id)];
  if (value < 0) {
    value = draft.add_value({Space::input, slot_of(id), 0, 0});
    reads_slot[at(slot_of(id))] = true;
  }
  return value;
}

int32_t Lowering::leaf_value(int32_t id, Space space) {
  int32_t& value = leaf_values_[static_cast<int32_t>(space)][at(id)];
  if (value < 0) {
    value = draft.add_value({space, -1, layout_.offsets[at(id)], node(id).shape.elements() * element()});
  }
  return value;
}

int32_t Lowering::value_of(int32_t id) {
  int32_t& value = values_[at(id)];
  if (value >= 0) return value;
  const Node& n = node(id);
  if (n.op == Op::parameter) return value = leaf_value(id, Space::parameters);
  if (n.op == Op::constant) return value = leaf_value(id, Space::constants);
  // With one feature, [batch][feature] and [feature][batch] are the same layout.
  const bool data = traits_of(n.op).data;
  if (data && n.shape.rows == 1) return value = user_value(id);
  value = new_value(n.shape);
  if (data) {
    DraftStep& step = emit(StepKind::transpose_in, n.op, n.shape.rows, request_.batch, "transpose " + n.name);
    step.refs[0] = elementwise(value, n.shape, n.shape);
    step.writes[0] = true;
    step.refs[1] = {user_value(id), 0, n.shape.rows, 1, Access::whole};
  }
  return value;
}

int32_t Lowering::saved_value(int32_t id, size_t number, const Shape& shape) {
  std::vector<int32_t>& saved = saved_values_[at(id)];
  if (saved.size() <= number) saved.resize(number + 1, -1);
  if (saved[number] < 0) saved[number] = new_value(shape);
  return saved[number];
}

Ref Lowering::elementwise(int32_t value, const Shape& shape, const Shape& domain) const {
  if (shape.batched && shape.rows != domain.rows) return reduced(value);  // one value per sample
  if (shape.batched) return {value, 0, leading_dimension(), 1, Access::tile};
  if (shape == domain) return {value, 0, shape.elements(), 1, Access::tile};
  if (shape.is_scalar()) return {value, 0, 0, 0, Access::whole};
  return {value, 0, 1, 0, Access::row};
}

Ref Lowering::rowwise(int32_t value, const Shape& shape) const {
  return {value, 0, shape.batched ? leading_dimension() : 1, 1, Access::tile};
}

Ref Lowering::matrix(int32_t value, const Shape& shape, Access access) const {
  return {value, 0, shape.batched ? leading_dimension() : shape.columns, 1, access};
}

Ref Lowering::reduced(int32_t value) const { return {value, 0, 0, 1, Access::column}; }

Ref Lowering::one_a_sample(int32_t value, bool batched) const {
  return batched ? reduced(value) : Ref{value, 0, 0, 0, Access::whole};
}

Ref Lowering::rows_from(int32_t value, const Shape& shape, int64_t first_row) const {
  Ref ref = elementwise(value, shape, shape);
  ref.offset = first_row * (shape.batched ? leading_dimension() : shape.columns) * element();
  ref.access =
      Access::whole;  // Row 0 of the operand is not row 0 of the value, so the tiles do not correspond.
  return ref;
}

// ---- steps

DraftStep& Lowering::emit(StepKind kind, Op op, int64_t rows, int64_t columns, const std::string& text) {
  draft.steps.emplace_back();
  DraftStep& step = draft.steps.back();
  step.step.kind = kind;
  step.step.op = op;
  step.step.rows = rows;
  step.step.columns = columns;
  step.backward = in_backward_;
  step.text = text;
  return step;
}

DraftStep& Lowering::emit_elementwise(StepKind kind, Op op, const Shape& domain, const std::string& text) {
  return domain.batched ? emit(kind, op, domain.rows, request_.batch, text)
                        : emit(kind, op, 1, domain.elements(), text);
}

DraftStep& Lowering::emit_rowwise(StepKind kind, Op op, const Shape& domain, const std::string& text) {
  return emit(kind, op, features(domain), samples(domain), text);
}

void Lowering::emit_row_sum(Op op, int64_t rows, int64_t columns, const Ref& to, const Ref& from,
                            bool over_samples, const Coefficient& alpha, const Coefficient& beta,
                            const std::string& text) {
  DraftStep& step = emit(StepKind::row_sum, op, rows, columns, text);
  step.step.over_samples = over_samples;
  step.refs[0] = to;
  step.writes[0] = true;
  step.refs[1] = from;
  step.step.alpha = alpha;
  step.step.beta = beta;
  split_sum(rows, 1, columns);
}

void Lowering::split_sum(int64_t rows, int64_t columns, int64_t k) {
  const DraftStep whole = draft.steps.back();
  const int64_t depth = part_depth(rows, columns, k, whole.step.over_samples),
                parts = (k + depth - 1) / depth;
  if (parts == 1) return;
  const bool product = whole.step.kind == StepKind::product;
  const Ref partial{new_value(Shape::matrix(parts * rows, columns)), 0, columns, product ? 1 : 0,
                    Access::whole};
  DraftStep& step = draft.steps.back();
  step.refs[0] = partial;
  if (product) step.step.rows = parts * rows;
  step.step.parts = parts;
  step.step.part_depth = depth;
  step.step.alpha = {1, 0};
  step.step.beta = {0, 0};
  step.text += message(" in ", parts, " parts");
  DraftStep& sum = emit(StepKind::sum_parts, whole.step.op, rows, columns, whole.text);
  sum.refs[0] = whole.refs[0];
  sum.writes[0] = true;
  sum.refs[1] = partial;
  sum.step.parts = parts;
  sum.step.alpha = whole.step.alpha;
  sum.step.beta = whole.step.beta;
}

void Lowering::emit_copy(const Ref& to, const Ref& from, const Shape& shape, bool accumulate,
                         const std::string& text) {
  DraftStep& step = emit_elementwise(StepKind::copy, Op::identity, shape, text);
  step.refs[0] = to;
  step.writes[0] = true;
  step.refs[1] = from;
  step.step.accumulate = accumulate;
}

void Lowering::emit_output(int32_t value, const Shape& shape, int32_t slot, const std::string& text) {
  DraftStep& step = emit_rowwise(StepKind::transpose_out, Op::identity, shape, "output " + text);
  step.refs[0] = {draft.add_value({Space::output, slot, 0, 0}), 0, features(shape), 1, Access::whole};
  step.writes[0] = true;
  step.refs[1] = rowwise(value, shape);
}

}  // namespace chainrule
