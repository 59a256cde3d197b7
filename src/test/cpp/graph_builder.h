// Short functions for building graphs in tests.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace test {

using namespace chainrule;

class Builder {
 public:
  Graph graph;

  int32_t input(int64_t features, const std::string& name = "") { return graph.input(name, features); }
  int32_t target(int64_t features, const std::string& name = "") { return graph.target(name, features); }
  int32_t label(int64_t classes) { return graph.label("", classes); }
  int32_t parameter(int64_t rows, int64_t columns = 1, const std::string& name = "") {
    return graph.parameter(name, rows, columns, Initializer::glorot_uniform, 0);
  }
  // The values 0.5, -0.6, 0.7, ...: all different, none zero.
  int32_t constant(int64_t rows, int64_t columns = 1) {
    std::vector<double> values;
    for (int64_t i = 0; i < rows * columns; ++i) {
      values.push_back((i % 2 == 0 ? 1 : -1) * (0.5 + 0.1 * static_cast<double>(i)));
    }
    return graph.constant("", rows, columns, std::move(values));
  }
  int32_t op(Op op, std::vector<int32_t> inputs, double c = 0) {
    Node node;
    node.op = op;
    node.inputs = std::move(inputs);
    node.constant = c;
    return graph.add(std::move(node));
  }
  int32_t product(Op op, std::vector<int32_t> inputs, bool transposed = false) {
    Node node;
    node.op = op;
    node.inputs = std::move(inputs);
    node.transposed = transposed;
    return graph.add(std::move(node));
  }
  int32_t slice(int32_t x, int64_t begin, int64_t end) {
    Node node;
    node.op = Op::slice;
    node.inputs = {x};
    node.begin = begin;
    node.end = end;
    return graph.add(std::move(node));
  }
  // Adds a linear layer with a new weight and a new bias.
  int32_t layer(int32_t x, int64_t features) {
    const int32_t weight = parameter(features, graph.node(x).shape.rows);
    return product(Op::linear, {x, weight, parameter(features)});
  }
  // Returns a scalar that depends on every element of the value, with a different δ for each.
  int32_t loss_of(int32_t y) {
    const Shape shape = graph.node(y).shape;
    if (shape.is_scalar()) return y;
    if (shape.batched) return op(Op::squared_error, {y, target(shape.rows)});
    return op(Op::sum, {op(Op::multiply, {y, constant(shape.rows, shape.columns)})});
  }
};

}  // namespace test
