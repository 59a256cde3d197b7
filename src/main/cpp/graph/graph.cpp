#include "graph/graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace chainrule {

namespace {

Node leaf(Op op, const std::string& name, Shape shape) {
  Node node;
  node.op = op;
  node.name = name;
  node.shape = shape;
  return node;
}

void require_size(Op op, const std::string& name, const char* what, int64_t size) {
  REQUIRE(size > 0 && size <= max_elements, name_of(op), " '", name, "': ", what, " must be between 1 and ",
          max_elements, ", but got ", size);
}

void require_matrix(Op op, const std::string& name, int64_t rows, int64_t columns) {
  require_size(op, name, "rows", rows);
  require_size(op, name, "columns", columns);
  REQUIRE(rows <= max_elements / columns, name_of(op), " '", name, "': ", rows, " x ", columns,
          " elements are more than the maximum of ", max_elements);
}

}  // namespace

int32_t Graph::input(const std::string& name, int64_t features) {
  require_size(Op::input, name, "features", features);
  return append(leaf(Op::input, name, Shape::data(features)));
}

int32_t Graph::target(const std::string& name, int64_t features) {
  require_size(Op::target, name, "features", features);
  return append(leaf(Op::target, name, Shape::data(features)));
}

int32_t Graph::label(const std::string& name, int64_t classes) {
  require_size(Op::label, name, "classes", classes);
  REQUIRE(classes <= INT32_MAX, "label '", name, "': expected at most ", INT32_MAX, " classes, but got ",
          classes);
  return append(leaf(Op::label, name, Shape::data(classes)));
}

int32_t Graph::parameter(const std::string& name, int64_t rows, int64_t columns, Initializer initializer,
                         double value) {
  require_matrix(Op::parameter, name, rows, columns);
  int32_t kind = static_cast<int32_t>(initializer);
  REQUIRE(kind >= 0 && kind < initializer_count, "parameter '", name,
          "': expected an initializer number from 0 to ", initializer_count - 1, ", but got ", kind);
  REQUIRE(std::isfinite(value), "parameter '", name, "': the initial value must be finite, but got ", value);
  Node node = leaf(Op::parameter, name, Shape::matrix(rows, columns));
  node.initializer = initializer;
  node.constant = value;
  return append(std::move(node));
}

int32_t Graph::constant(const std::string& name, int64_t rows, int64_t columns, std::vector<double> values) {
  require_matrix(Op::constant, name, rows, columns);
  REQUIRE(static_cast<int64_t>(values.size()) == rows * columns, "constant '", name, "': expected ",
          rows * columns, " values for [", rows, " x ", columns, "], but got ", values.size());
  for (double value : values) {
    REQUIRE(std::isfinite(value), "constant '", name, "': values must be finite, but got ", value);
  }
  Node node = leaf(Op::constant, name, Shape::matrix(rows, columns));
  node.values = std::move(values);
  return append(std::move(node));
}

int32_t Graph::add(Node node) {
  REQUIRE(kind_of(node.op) != Kind::leaf, name_of(node.op), " '", node.name,
          "': add() does not accept leaves; each leaf has its own function");
  if (node.name.empty()) node.name = message(name_of(node.op), "_", size());
  for (int32_t input : node.inputs) {
    REQUIRE(input >= 0 && input < size(), name_of(node.op), " '", node.name, "': there is no node number ",
            input, " in this graph of ", size(), " nodes");
  }
  node.shape = infer_shape(*this, node);
  return append(std::move(node));
}

// Adds an operation on x with its own parameters: a weight and, if `bias` > 0, a bias of `bias` zeros. Adds either all
// nodes or none.
int32_t Graph::layer(Op op, const std::string& name, int32_t x, double constant, const Shape& weight,
                     Initializer initializer, double value, int64_t bias) {
  const int32_t before = size();
  const std::string full_name = name.empty() ? message(name_of(op), "_", before + (bias > 0 ? 2 : 1)) : name;
  try {
    Node added;
    added.op = op;
    added.name = full_name;
    added.constant = constant;
    added.inputs = {x, parameter(full_name + ".weight", weight.rows, weight.columns, initializer, value)};
    if (bias > 0) added.inputs.push_back(parameter(full_name + ".bias", bias, 1, Initializer::constant, 0));
    return add(std::move(added));
  } catch (...) {
    truncate(before);
    throw;
  }
}

int32_t Graph::linear(const std::string& name, int32_t x, int64_t features, Initializer initializer,
                      double value) {
  const std::string full_name = name.empty() ? message(name_of(Op::linear), "_", size() + 2) : name;
  require_size(Op::linear, full_name, "features", features);
  const Node& input = node(x);
  REQUIRE(input.shape.batched && input.op != Op::label, "linear '", full_name, "': expected data, but got ",
          describe(x));
  return layer(Op::linear, full_name, x, 0, Shape::matrix(features, input.shape.rows), initializer, value,
               features);
}

int32_t Graph::rowwise(Op op, const std::string& name, int32_t x, double constant) {
  REQUIRE(kind_of(op) == Kind::rowwise && traits_of(op).parameters > 0, name_of(op),
          " has no parameters of its own");
  const int64_t features = node(x).shape.elements();
  return layer(op, name, x, constant, Shape::matrix(features, 1), Initializer::constant, 1,
               traits_of(op).parameters > 1 ? features : 0);
}

void Graph::rename(int32_t id, const std::string& name) {
  REQUIRE(!name.empty(), "renaming ", describe(id), ": a name must not be empty");
  std::vector<std::pair<int32_t, std::string>> changes = {{id, name}};
  const std::string old = node(id).name;
  const std::vector<int32_t>& inputs = node(id).inputs;
  for (size_t i = 1; i < inputs.size(); ++i) {
    const char* part = i == 1 ? ".weight" : ".bias";
    if (node(inputs[i]).op == Op::parameter && node(inputs[i]).name == old + part)
      changes.emplace_back(inputs[i], name + part);
  }
  for (const auto& [changed, to] : changes) {
    const int32_t other = find(to);
    const auto is_renamed = [&](const auto& change) { return change.first == other; };
    REQUIRE(other < 0 || std::any_of(changes.begin(), changes.end(), is_renamed), "renaming ", describe(id),
            " to '", name, "': the graph already has a node named '", to, "': ", describe(other));
  }
  for (const auto& change : changes) by_name_.erase(node(change.first).name);
  for (const auto& [changed, to] : changes) {
    Node& renamed = nodes_[static_cast<size_t>(changed)];
    renamed.name = to;
    by_name_.emplace(to, changed);
  }
}

// Removes the nodes from number `size` on. No other node may depend on them.
void Graph::truncate(int32_t size) {
  while (this->size() > size) {
    const int32_t last = this->size() - 1;
    for (std::vector<int32_t>* list : {&data_nodes_, &parameters_}) {
      if (!list->empty() && list->back() == last) list->pop_back();
    }
    by_name_.erase(nodes_.back().name);
    nodes_.pop_back();
  }
}

int32_t Graph::append(Node node) {
  if (node.name.empty()) node.name = message(name_of(node.op), "_", size());
  REQUIRE(size() < INT32_MAX, "the graph already has ", size(), " nodes");
  int32_t id = size();
  bool is_new = by_name_.emplace(node.name, id).second;
  REQUIRE(is_new, name_of(node.op), " '", node.name,
          "': the graph already has a node with this name: ", is_new ? "" : describe(by_name_.at(node.name)));
  nodes_.push_back(std::move(node));
  list_leaf(id);
  return id;
}

void Graph::list_leaf(int32_t id) {
  const Op op = node(id).op;
  if (traits_of(op).data) data_nodes_.push_back(id);
  if (op == Op::parameter) parameters_.push_back(id);
}

// Does not check the other nodes again: they were checked when they were added, and a check would fail for a custom
// operation that has been unregistered since then.
Graph Graph::with_leaf(int32_t id) const {
  Graph copy = *this;
  const Shape& shape = node(id).shape;
  copy.nodes_[static_cast<size_t>(id)] =
      leaf(shape.batched ? Op::input : Op::parameter, node(id).name, shape);
  copy.data_nodes_.clear();
  copy.parameters_.clear();
  for (int32_t each = 0; each < size(); ++each) copy.list_leaf(each);
  return copy;
}

const Node& Graph::node(int32_t id) const {
  REQUIRE(id >= 0 && id < size(), "there is no node number ", id, " in this graph of ", size(), " nodes");
  return nodes_[static_cast<size_t>(id)];
}

int32_t Graph::find(const std::string& name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

std::string Graph::describe(int32_t id) const {
  const Node& n = node(id);
  return message("'", n.name, "' (", name_of(n.op), ", ", n.shape.to_string(), ")");
}

}  // namespace chainrule
