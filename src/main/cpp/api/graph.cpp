// The part of the native API that builds a graph and reads it.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/bodies.h"
#include "api/chainrule.h"
#include "util/check.h"

namespace chainrule {
namespace api {

NativeGraph* NativeGraph::create() {
  auto body = std::make_unique<Body>();
  NativeGraph* made = new NativeGraph;
  return wrap(made, std::move(body), &made->body);
}

void NativeGraph::destroy(NativeGraph* graph) {
  if (graph == nullptr) return;
  delete graph->body;
  delete graph;
}

int32_t NativeGraph::data(int32_t op, const char* name, int64_t size) {
  const std::string named = text("data node", name);
  switch (static_cast<Op>(op)) {
    case Op::input: return body->graph.input(named, size);
    case Op::target: return body->graph.target(named, size);
    case Op::label: return body->graph.label(named, size);
    default:
      throw InvalidArgument(
          message("data node '", named, "': expected the operation input, target or label, but got ",
                  op >= 0 && op < chainrule::op_count ? std::string(name_of(static_cast<Op>(op)))
                                                      : message("operation number ", op)));
  }
}

REQUIRE_SAME(NativeInitializer, Initializer, constant);
REQUIRE_SAME(NativeInitializer, Initializer, glorot_uniform);
REQUIRE_SAME(NativeInitializer, Initializer, glorot_normal);
REQUIRE_SAME(NativeInitializer, Initializer, he_uniform);
REQUIRE_SAME(NativeInitializer, Initializer, he_normal);

int32_t NativeGraph::parameter(const char* name, int64_t rows, int64_t columns, NativeInitializer initializer,
                               double value) {
  return body->graph.parameter(text("parameter", name), rows, columns, same<Initializer>(initializer), value);
}

int32_t NativeGraph::constant(const char* name, int64_t rows, int64_t columns, const double* values,
                              int64_t count) {
  const std::string named = text("constant", name);
  REQUIRE(count >= 0, "constant '", named, "': expected 0 or more values, but got ", count);
  REQUIRE(values != nullptr, "constant '", named, "': expected an array of ", count, " values, but got null");
  return body->graph.constant(named, rows, columns, std::vector<double>(values, values + count));
}

void NativeGraph::read_constant(int32_t node, double* values, int64_t count) const {
  const Node& n = body->graph.node(node);
  REQUIRE(n.op == Op::constant, "reading a constant: expected a constant, but got ",
          body->graph.describe(node));
  REQUIRE(values != nullptr, "reading a constant: expected an array for the values, but got null");
  REQUIRE(count == static_cast<int64_t>(n.values.size()), "reading a constant: expected an array of ",
          n.values.size(), " elements, the size of ", body->graph.describe(node), ", but got one of ", count);
  std::copy(n.values.begin(), n.values.end(), values);
}

int32_t NativeGraph::linear(const char* name, int32_t x, int64_t features, NativeInitializer initializer,
                            double value) {
  return body->graph.linear(text("linear", name), x, features, same<Initializer>(initializer), value);
}

int32_t NativeGraph::rowwise(int32_t op, const char* name, int32_t x, double constant) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "operation: expected an operation number from 0 to ",
          chainrule::op_count - 1, ", but got ", op);
  const Op which = static_cast<Op>(op);
  return body->graph.rowwise(which, text(name_of(which), name), x, constant);
}

int32_t NativeGraph::add(int32_t op, const int32_t* inputs, int32_t count,
                         const NativeAttributes* attributes) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "operation: expected an operation number from 0 to ",
          chainrule::op_count - 1, ", but got ", op);
  REQUIRE(count >= 0, name_of(static_cast<Op>(op)), ": expected 0 or more inputs, but got ", count);
  REQUIRE(inputs != nullptr || count == 0, name_of(static_cast<Op>(op)), ": expected an array of ", count,
          count == 1 ? " input" : " inputs", ", but got null");
  require_object(name_of(static_cast<Op>(op)), attributes);
  Node node;
  node.op = static_cast<Op>(op);
  node.inputs.assign(inputs, inputs + count);
  node.constant = attributes->constant;
  node.begin = attributes->begin;
  node.end = attributes->end;
  node.transposed = attributes->transposed;
  for (int32_t input : node.inputs) body->graph.node(input);
  require_right_loss(body->graph, node);
  return body->graph.add(std::move(node));
}

NativeAttributes* NativeGraph::new_attributes() {
  body->added = {};
  return &body->added;
}

int32_t NativeGraph::custom(const char* operation, int32_t input) {
  Node node;
  node.op = Op::custom;
  node.custom = text("custom", operation);
  node.inputs = {input};
  return body->graph.add(std::move(node));
}

void NativeGraph::rename(int32_t node, const char* name) {
  body->graph.rename(node, text("renaming a node", name));
}

int32_t NativeGraph::size() const { return body->graph.size(); }
const char* NativeGraph::name(int32_t node) const { return body->graph.node(node).name.c_str(); }
int32_t NativeGraph::op(int32_t node) const { return static_cast<int32_t>(body->graph.node(node).op); }
bool NativeGraph::batched(int32_t node) const { return body->graph.node(node).shape.batched; }
int64_t NativeGraph::rows(int32_t node) const { return body->graph.node(node).shape.rows; }
int64_t NativeGraph::columns(int32_t node) const { return body->graph.node(node).shape.columns; }
int32_t NativeGraph::input_count(int32_t node) const {
  return static_cast<int32_t>(body->graph.node(node).inputs.size());
}
int32_t NativeGraph::input(int32_t node, int32_t index) const {
  const std::vector<int32_t>& inputs = body->graph.node(node).inputs;
  const int64_t count = static_cast<int64_t>(inputs.size());
  REQUIRE(index >= 0 && index < count, "reading an input: ", body->graph.describe(node), " has ",
          count == 0 ? std::string("no inputs")
                     : message(count, count == 1 ? " input" : " inputs", ", so expected an index from 0 to ",
                               count - 1),
          ", but got ", index);
  return inputs[static_cast<size_t>(index)];
}

const char* NativeGraph::operation(int32_t node) const { return body->graph.node(node).custom.c_str(); }

const NativeAttributes* NativeGraph::attributes(int32_t node) {
  const Node& it = body->graph.node(node);
  // The `constant` of a parameter is the value of its initializer, which is no attribute.
  double constant = it.op == Op::parameter ? 0 : it.constant;
  if (it.op == Op::constant && it.shape.is_scalar()) constant = it.values[0];
  body->returned = {constant, it.begin, it.end, it.transposed};
  return &body->returned;
}

}  // namespace api
}  // namespace chainrule
