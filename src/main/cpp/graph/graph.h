// A computation graph: nodes in topological order, because a node can only name nodes that exist. Building computes
// nothing; every wrong shape is refused when the node is made.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/shape.h"
#include "ops/op.h"

namespace chainrule {

// How a parameter's first values are drawn. fan_in = columns, fan_out = rows of [out][in].
// glorot: variance 2 / (fan_in + fan_out) (X. Glorot, Y. Bengio, 2010); he: 2 / fan_in (K. He et al., 2015).
enum class Initializer : int32_t { constant = 0, glorot_uniform, glorot_normal, he_uniform, he_normal };
constexpr int32_t initializer_count = 5;

struct Node {
  Op op;
  std::string name;
  Shape shape;
  std::vector<int32_t> inputs;

  double constant = 0;      // the c of the rule, where it has one; parameter: the initializer's value
  bool transposed = false;  // linear, matmul
  int64_t begin = 0;        // slice
  int64_t end = 0;
  Initializer initializer = Initializer::constant;  // parameter
  std::vector<double> values;                       // constant
  std::string custom;                               // custom: the name that the operation is registered under
};

class Graph {
 public:
  // Leaves. Names are unique; an empty name is replaced by the operation and the node's number.
  int32_t input(const std::string& name, int64_t features);
  int32_t target(const std::string& name, int64_t features);
  int32_t label(const std::string& name, int64_t classes);
  int32_t parameter(const std::string& name, int64_t rows, int64_t columns, Initializer initializer,
                    double value);
  int32_t constant(const std::string& name, int64_t rows, int64_t columns, std::vector<double> values);

  // Any other operation. `node` brings op, name, inputs and attributes; shape is computed here.
  // Throws InvalidArgument with the node's name, what was expected and what came.
  int32_t add(Node node);

  // A linear layer of `features` outputs with a weight and a bias of its own, which come before it and are called like it
  // with ".weight" and ".bias" behind. The bias is 0 at first. All three nodes are made, or none.
  int32_t linear(const std::string& name, int32_t x, int64_t features, Initializer initializer, double value);

  // A row-wise operation with parameters of its own, one value a feature of x: a weight of ones, and a bias of zeros where
  // the operation takes two. Named like those of linear. All nodes are made, or none.
  int32_t rowwise(Op op, const std::string& name, int32_t x, double constant);

  // Gives a node another name. Its weight and bias that are called like it with ".weight" and ".bias" behind keep doing
  // so. Throws InvalidArgument, and changes nothing, where a name is in use.
  void rename(int32_t id, const std::string& name);

  int32_t size() const { return static_cast<int32_t>(nodes_.size()); }
  const Node& node(int32_t id) const;
  const std::vector<Node>& nodes() const { return nodes_; }

  // The node of this name, or -1.
  int32_t find(const std::string& name) const;

  // Data nodes (input, target, label) in the order they were made: the order of the slots of a batch.
  const std::vector<int32_t>& data_nodes() const { return data_nodes_; }
  const std::vector<int32_t>& parameters() const { return parameters_; }

  // A copy in which node `id` is a leaf of its shape, an input or a parameter, so that its values can be given. All nodes
  // keep their numbers.
  Graph with_leaf(int32_t id) const;

  // "'hidden' (linear, [batch x 128])"
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

// The shape of the node's value. Throws InvalidArgument when the operation cannot take these inputs.
Shape infer_shape(const Graph& graph, const Node& node);

// Throws InvalidArgument where a loss gets a prediction of the wrong kind: logits that are probabilities already, or
// probabilities that are logits. Only for graphs that are being built: a stored one that does so still loads.
void require_right_loss(const Graph& graph, const Node& node);

}  // namespace chainrule
