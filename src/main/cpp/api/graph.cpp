// The part of the door behind which a graph is built and asked about.
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
      throw InvalidArgument(message("data node '", named, "': operation number ", op, " is no kind of data"));
  }
}

int32_t NativeGraph::parameter(const char* name, int64_t rows, int64_t columns, int32_t initializer,
                               double value) {
  return body->graph.parameter(text("parameter", name), rows, columns, static_cast<Initializer>(initializer),
                               value);
}

int32_t NativeGraph::constant(const char* name, int64_t rows, int64_t columns, const double* values) {
  const std::string named = text("constant", name);
  REQUIRE(values != nullptr, "constant '", named, "': its values are null");
  REQUIRE(rows > 0 && columns > 0 && rows <= max_elements / columns, "constant '", named,
          "': rows and columns must be positive, but are ", rows, " and ", columns);
  return body->graph.constant(named, rows, columns, std::vector<double>(values, values + rows * columns));
}

int32_t NativeGraph::add(int32_t op, const char* name, const int32_t* inputs, int32_t count, double constant,
                         int64_t begin, int64_t end, bool transposed) {
  REQUIRE(op >= 0 && op < chainrule::op_count, "there is no operation number ", op);
  REQUIRE(count >= 0 && (inputs != nullptr || count == 0), name_of(static_cast<Op>(op)),
          ": the inputs are null");
  Node node;
  node.op = static_cast<Op>(op);
  node.name = text(name_of(node.op), name);
  node.inputs.assign(inputs, inputs + count);
  node.constant = constant;
  node.begin = begin;
  node.end = end;
  node.transposed = transposed;
  return body->graph.add(std::move(node));
}

int32_t NativeGraph::custom(const char* name, const char* operation, int32_t input) {
  Node node;
  node.op = Op::custom;
  node.name = text("custom", name);
  node.custom = text("custom", operation);
  node.inputs = {input};
  return body->graph.add(std::move(node));
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
  REQUIRE(index >= 0 && static_cast<size_t>(index) < inputs.size(), body->graph.describe(node), " has ",
          inputs.size(), " inputs, but number ", index, " was asked for");
  return inputs[static_cast<size_t>(index)];
}

const char* NativeGraph::operation(int32_t node) const { return body->graph.node(node).custom.c_str(); }

double NativeGraph::attribute(int32_t node) const {
  const Node& it = body->graph.node(node);
  if (it.op == Op::constant && it.shape.is_scalar()) return it.values[0];
  return it.op == Op::parameter ? 0 : it.constant;  // a parameter's is its initializer's
}

int64_t NativeGraph::begin(int32_t node) const { return body->graph.node(node).begin; }
int64_t NativeGraph::end(int32_t node) const { return body->graph.node(node).end; }
bool NativeGraph::transposed(int32_t node) const { return body->graph.node(node).transposed; }

}  // namespace api
}  // namespace chainrule
