#include "files/graph_json.h"

#include <utility>

#include "util/check.h"

namespace chainrule {

namespace {

const char* const initializer_names[initializer_count] = {"constant", "glorot_uniform", "glorot_normal",
                                                          "he_uniform", "he_normal"};

Op op_of_name(const std::string& name) {
  for (int32_t op = 0; op < op_count; ++op) {
    if (name == name_of(static_cast<Op>(op))) return static_cast<Op>(op);
  }
  throw Error(message("the operation ", quote(name), " is unknown"));
}

Initializer initializer_of_name(const std::string& name) {
  for (int32_t i = 0; i < initializer_count; ++i) {
    if (name == initializer_names[i]) return static_cast<Initializer>(i);
  }
  throw Error(message("the initializer ", quote(name), " is unknown"));
}

bool has_constant(Op op) { return traits_of(op).constant != nullptr; }

}  // namespace

Json graph_to_json(const Graph& graph) {
  Json nodes = Json::make_array();
  for (const Node& node : graph.nodes()) {
    Json json = Json::make_object();
    json.add("op", name_of(node.op)).add("name", node.name);
    if (kind_of(node.op) == Kind::leaf) {
      json.add("rows", node.shape.rows);
      if (!node.shape.batched) json.add("columns", node.shape.columns);
    } else {
      json.add("inputs", Json::make_array(node.inputs));
    }
    if (node.op == Op::parameter) {
      json.add("initializer", initializer_names[static_cast<int32_t>(node.initializer)])
          .add("value", node.constant);
    }
    if (has_constant(node.op)) json.add("constant", node.constant);
    if (kind_of(node.op) == Kind::product) json.add("transposed", node.transposed);
    if (node.op == Op::custom) json.add("custom", node.custom);
    if (node.op == Op::slice) json.add("begin", node.begin).add("end", node.end);
    nodes.push(std::move(json));
  }
  return Json::make_object().add("nodes", std::move(nodes));
}

Graph graph_from_json(const Json& json, const ConstantValues& values) {
  Graph graph;
  for (const Json& part : json.at("nodes").array()) {
    const Op op = op_of_name(part.at("op").string());
    const std::string& name = part.at("name").string();
    if (kind_of(op) == Kind::leaf) {
      const int64_t rows = part.at("rows").integer();
      if (op == Op::input) {
        graph.input(name, rows);
      } else if (op == Op::target) {
        graph.target(name, rows);
      } else if (op == Op::label) {
        graph.label(name, rows);
      } else if (op == Op::parameter) {
        graph.parameter(name, rows, part.at("columns").integer(),
                        initializer_of_name(part.at("initializer").string()), part.at("value").number());
      } else {
        const int64_t columns = part.at("columns").integer();
        REQUIRE(rows > 0 && columns > 0 && rows <= max_elements / columns, "constant ", quote(name),
                ": expected a shape with 1 to ", max_elements, " elements, but got ", rows, " x ", columns);
        graph.constant(name, rows, columns, values(name, rows * columns));
      }
      continue;
    }
    Node node;
    node.op = op;
    node.name = name;
    for (const Json& input : part.at("inputs").array()) {
      const int64_t id = input.integer();
      REQUIRE(id >= 0 && id < graph.size(), "node ", quote(name),
              ": expected the numbers of earlier nodes as inputs, but got ", id);
      node.inputs.push_back(static_cast<int32_t>(id));
    }
    if (has_constant(op)) node.constant = part.at("constant").number();
    if (kind_of(op) == Kind::product) node.transposed = part.at("transposed").boolean();
    if (op == Op::custom) node.custom = part.at("custom").string();
    if (op == Op::slice) {
      node.begin = part.at("begin").integer();
      node.end = part.at("end").integer();
    }
    graph.add(std::move(node));
  }
  return graph;
}

}  // namespace chainrule
