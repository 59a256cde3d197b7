#include "plan/lowering.h"

#include <algorithm>

#include "ops/batch_mean.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/log_sum_exp.h"
#include "ops/polynomial_features.h"
#include "ops/rules.h"
#include "ops/slice.h"
#include "ops/softmax.h"
#include "ops/softmax_cross_entropy.h"

namespace chainrule {

namespace {

constexpr int64_t max_bytes = int64_t{1} << 50;

size_t at(int32_t id) { return static_cast<size_t>(id); }

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

Lowering::Lowering(const Graph& graph, const PlanRequest& request, const Backend& backend)
    : reads_slot(graph.data_nodes().size(), false),
      graph_(graph),
      request_(request),
      backend_(backend),
      layout_(lay_out_leaves(graph, request.dtype)),
      values_(at(graph.size()), -1),
      user_values_(at(graph.size()), -1),
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
    hand_out(value_of(id), node(id).shape, static_cast<int32_t>(i), node(id).name);
  }
  if (request_.loss >= 0) draft.values[at(value_of(request_.loss))].keep = true;
  if (!request_.backward) return;
  in_backward_ = true;
  if (request_.seeded) take_seed();
  walk_backward(graph_, request_.loss, delta, *this);
  if (updates_late()) draft.barrier = static_cast<int32_t>(draft.steps.size());
  for (int32_t id : late_updates_) update(id);
}

// ---- values and how steps see them

int32_t Lowering::new_value(const Shape& shape) {
  int64_t columns = shape.batched ? leading_dimension() : shape.columns;
  REQUIRE(shape.rows <= max_bytes / element() / columns, "a value of ", shape.rows, " x ", columns,
          " elements does not fit into memory: the batch is ", request_.batch);
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
  if (value < 0) value = draft.add_value({space, -1, layout_.offsets[at(id)], 0});
  return value;
}

int32_t Lowering::value_of(int32_t id) {
  int32_t& value = values_[at(id)];
  if (value >= 0) return value;
  const Node& n = node(id);
  if (n.op == Op::parameter) return value = leaf_value(id, Space::parameters);
  if (n.op == Op::constant) return value = leaf_value(id, Space::constants);
  // One feature lies the same in [batch][feature] and in [feature][batch].
  if ((n.op == Op::input || n.op == Op::target) && n.shape.rows == 1) return value = user_value(id);
  value = new_value(n.shape);
  if (n.op == Op::input || n.op == Op::target) {
    DraftStep& step = emit(StepKind::transpose_in, n.op, n.shape.rows, request_.batch, "transpose " + n.name);
    step.refs[0] = elementwise(value, n.shape, n.shape);
    step.writes[0] = true;
    step.refs[1] = {user_value(id), 0, n.shape.rows, 1, Access::whole};
  }
  return value;
}

Ref Lowering::elementwise(int32_t value, const Shape& shape, const Shape& domain) const {
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

Ref Lowering::rows_from(int32_t value, const Shape& shape, int64_t first_row) const {
  Ref ref = elementwise(value, shape, shape);
  ref.offset = first_row * (shape.batched ? leading_dimension() : shape.columns) * element();
  ref.access = Access::whole;  // a part of the value: its tiles are not those of the domain
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

// `delta` is the value of δ, or -1 in the forward product.
void Lowering::emit_product(int32_t id, const Product& which, const Ref& c, int32_t delta_of,
                            const Coefficient& alpha, const Coefficient& beta, const std::string& text) {
  struct Side {
    Ref ref;
    bool transposed, batched;
    int64_t rows, columns;  // of op(side)
  };
  auto side = [&](Factor factor, bool transposed) {
    const bool is_delta = factor == Factor::delta;
    const int32_t source = is_delta ? id : input_id(id, factor == Factor::weight ? 1 : 0);
    const Shape& shape = node(source).shape;
    Op op = node(source).op;
    Side result;
    result.transposed = transposed;
    result.batched = shape.batched;
    result.rows = shape.rows;
    result.columns = shape.batched ? request_.batch : shape.columns;
    if (transposed) std::swap(result.rows, result.columns);
    if (!is_delta && (op == Op::input || op == Op::target)) {
      // The user's [batch][feature] is the transpose of what the formula means: read it through the flag.
      result.ref = {user_value(source), 0, shape.rows, 1, Access::whole};
      result.transposed = !transposed;
    } else {
      result.ref = matrix(is_delta ? delta_of : value_of(source), shape, Access::whole);
    }
    return result;
  };
  Side a = side(which.a, which.a_transposed), b = side(which.b, which.b_transposed);
  // Samples are the columns of C, of which a tile needs its own; or the sum goes over them, and a part needs its own.
  const bool over_samples = backend_.part_depth(a.rows, b.columns, a.columns) < a.columns;
  if (a.batched && over_samples && !which.a_transposed) a.ref.access = Access::column;
  if (b.batched && over_samples == which.b_transposed) b.ref.access = Access::column;
  DraftStep& step = emit(StepKind::product, node(id).op, a.rows, b.columns, text);
  step.refs[0] = c;
  step.writes[0] = true;
  step.refs[1] = a.ref;
  step.refs[2] = b.ref;
  step.step.k = a.columns;
  step.step.transposed_a = a.transposed;
  step.step.transposed_b = b.transposed;
  step.step.alpha = alpha;
  step.step.beta = beta;
  split_sum(a.rows, b.columns, a.columns);
}

void Lowering::emit_row_sum(Op op, int64_t rows, int64_t columns, const Ref& to, const Ref& from,
                            const Coefficient& alpha, const Coefficient& beta, const std::string& text) {
  DraftStep& step = emit(StepKind::row_sum, op, rows, columns, text);
  step.refs[0] = to;
  step.writes[0] = true;
  step.refs[1] = from;
  step.step.alpha = alpha;
  step.step.beta = beta;
  split_sum(rows, 1, columns);
}

void Lowering::split_sum(int64_t rows, int64_t columns, int64_t k) {
  const int64_t depth = backend_.part_depth(rows, columns, k), parts = (k + depth - 1) / depth;
  if (parts == 1) return;
  const DraftStep whole = draft.steps.back();
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

void Lowering::hand_out(int32_t value, const Shape& shape, int32_t slot, const std::string& text) {
  DraftStep& step = emit_rowwise(StepKind::transpose_out, Op::identity, shape, "hand out " + text);
  step.refs[0] = {draft.add_value({Space::output, slot, 0, 0}), 0, features(shape), 1, Access::whole};
  step.writes[0] = true;
  step.refs[1] = rowwise(value, shape);
}

// ---- forward, one function a kind of operation

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
      RowBlock block = Concat::block(before, shape.rows);
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
    RowBlock block = Slice::block(n.begin, n.end);
    emit_copy(rows_from(out, n.shape, block.destination), rows_from(x, of, block.source), n.shape, false,
              n.name);
  } else if (n.op == Op::polynomial_features) {
    DraftStep& step = emit_rowwise(StepKind::polynomial_forward, n.op, of, n.name);
    step.refs[0] = rowwise(out, n.shape);
    step.refs[0].access = Access::column;
    step.writes[0] = true;
    step.refs[1] = rowwise(x, of);
  } else {
    emit_row_sum(n.op, of.rows, request_.batch, {out, 0, 1, 0, Access::row}, rowwise(x, of),
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
