// A computation graph. Its nodes are in topological order, because the inputs of a node must exist before it is added.
// Building a graph computes no values. A node with a wrong shape is refused when it is added.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/shape.h"
#include "ops/op.h"

namespace chainrule {

// How the initial values of a parameter are drawn. For a weight [out][in], fan_in is the number of columns and fan_out
// the number of rows.
//   glorot  variance 2 / (fan_in + fan_out)   X. Glorot, Y. Bengio, 2010
//   he      variance 2 / fan_in               K. He et al., 2015
enum class Initializer : int32_t { constant = 0, glorot_uniform, glorot_normal, he_uniform, he_normal };
constexpr int32_t initializer_count = 5;

struct Node {
  Op op;
  std::string name;
  Shape shape;
  std::vector<int32_t> inputs;

  double constant = 0;      // the constant c of the rule, if it has one; parameter: the initializer's value
  bool transposed = false;  // linear, matmul
  int64_t begin = 0;        // slice
  int64_t end = 0;
  Initializer initializer = Initializer::constant;  // parameter
  std::vector<double> values;                       // constant
  std::string custom;                               // custom: the registered name of the operation
};

class Graph {
 public:
  // Adds a leaf. Names are unique. An empty name is replaced by the operation and the number of the node. Throws
  // InvalidArgument if the name is in use, a size is out of range, or a value is not finite.
  int32_t input(const std::string& name, int64_t features);
  int32_t target(const std::string& name, int64_t features);
  int32_t label(const std::string& name, int64_t classes);
  int32_t parameter(const std::string& name, int64_t rows, int64_t columns, Initializer initializer,
                    double value);
  int32_t constant(const std::string& name, int64_t rows, int64_t columns, std::vector<double> values);

  // Adds any other operation. The caller sets op, name, inputs and attributes of `node`; add() computes the shape.
  // Throws InvalidArgument with the name of the node, what was expected and what it got.
  int32_t add(Node node);

  // Adds a linear layer with `features` outputs and its own weight and bias. The two parameters precede it in the
  // graph. Their names are the name of the layer followed by ".weight" and ".bias". The initial bias is 0. Adds either
  // all three nodes or none.
  int32_t linear(const std::string& name, int32_t x, int64_t features, Initializer initializer, double value);

  // Adds a row-wise operation (Kind::rowwise: it uses all features of a sample) with its own parameters. These have one
  // value per feature of x: a weight of ones and, if the operation has two parameters, a bias of zeros. Their names are
  // formed as in linear(). Adds either all nodes or none.
  int32_t rowwise(Op op, const std::string& name, int32_t x, double constant);

  // Renames a node. Its weight and bias are also renamed if their names are the node's name followed by ".weight" and
  // ".bias".
  // Throws InvalidArgument and changes nothing if a name is in use.
  void rename(int32_t id, const std::string& name);

  int32_t size() const { return static_cast<int32_t>(nodes_.size()); }
  const Node& node(int32_t id) const;
  const std::vector<Node>& nodes() const { return nodes_; }

  // Returns the number of the node with this name, or -1.
  int32_t find(const std::string& name) const;

  // The data nodes (input, target, label) in the order in which they were added. The position of a node in this list is
  // its slot: the number under which a batch holds its data.
  const std::vector<int32_t>& data_nodes() const { return data_nodes_; }
  const std::vector<int32_t>& parameters() const { return parameters_; }

  // Returns a copy in which node `id` is a leaf of the same shape, so that its values can be set: an input if it is
  // batched, otherwise a parameter. All nodes keep their numbers.
  Graph with_leaf(int32_t id) const;

  // Returns name, operation and shape, for example "'hidden' (linear, [batch x 128])".
  std::string describe(int32_t id) const;

 private:
  int32_t layer(Op op, const std::string& name, int32_t x, double constant, const Shape& weight,
                Initializer initializer, double value, int64_t bias);
  int32_t append(Node node);
  void list_leaf(int32_t id);
  void truncate(int32_t size);

  std::vector<Node> nodes_;
  std::vector<int32_t> data_nodes_;
  std::vector<int32_t> parameters_;
  std::unordered_map<std::string, int32_t> by_name_;
};

// Returns the shape of the node's value. Throws InvalidArgument if the operation does not accept these inputs.
Shape infer_shape(const Graph& graph, const Node& node);

// Throws InvalidArgument if a loss gets the wrong kind of prediction: probabilities where it expects logits, or logits
// where it expects probabilities. Called only when a graph is built. A stored graph with such a loss still loads.
void require_right_loss(const Graph& graph, const Node& node);

}  // namespace chainrule
