// Graphs: the shape of every operation, the messages for wrong shapes and leaves, and the reverse walk.
#include "graph/graph.h"

#include "cases.h"
#include "graph/backward.h"
#include "harness.h"

using namespace test;

namespace {

// Leaves of every kind, for the refusals below.
struct Leaves : Builder {
  int32_t x = input(3, "x"), y = target(3, "y"), c = graph.label("c", 3);
  int32_t vector = parameter(3, 1, "vector"), matrix = parameter(2, 3, "matrix"),
          scalar = parameter(1, 1, "scalar");

  Shape shape(int32_t id) const { return graph.node(id).shape; }
};

}  // namespace

TEST(shapes_of_operations) {
  Leaves b;
  CHECK(b.shape(b.product(Op::linear, {b.x, b.matrix})) == Shape::data(2));
  const int32_t two = b.input(2);
  CHECK(b.shape(b.product(Op::matmul, {two, b.matrix}, true)) == Shape::data(3));
  CHECK(b.shape(b.product(Op::matmul, {b.parameter(3, 4), b.matrix})) == Shape::matrix(2, 4));
  CHECK(b.shape(b.product(Op::matmul, {b.parameter(2, 4), b.matrix}, true)) == Shape::matrix(3, 4));
  for (Op op : {Op::add, Op::subtract, Op::multiply}) {
    CHECK(b.shape(b.op(op, {b.x, b.y})) == Shape::data(3));
    CHECK(b.shape(b.op(op, {b.vector, b.x})) == Shape::data(3));
    CHECK(b.shape(b.op(op, {b.x, b.scalar})) == Shape::data(3));
    CHECK(b.shape(b.op(op, {b.x, b.input(1)})) == Shape::data(3));
    CHECK(b.shape(b.op(op, {b.input(1), b.x})) == Shape::data(3));
    CHECK(b.shape(b.op(op, {b.scalar, b.matrix})) == Shape::matrix(2, 3));
    CHECK(b.shape(b.op(op, {b.scalar, b.scalar})).is_scalar());
  }
  for (Op op : operations()) {
    if (kind_of(op) == Kind::unary || kind_of(op) == Kind::rowwise) {
      CHECK(b.shape(b.op(op, {b.x}, constant_of(op))) == Shape::data(3));
      CHECK(b.shape(b.op(op, {b.matrix}, constant_of(op))) == Shape::matrix(2, 3));
    } else if (kind_of(op) == Kind::reduction) {
      CHECK(b.shape(b.op(op, {b.x})) == Shape::data(1));
      CHECK(b.shape(b.op(op, {b.matrix})).is_scalar());
    } else if (kind_of(op) == Kind::loss) {
      CHECK(b.shape(b.op(op, {b.x, b.y}, 1)).is_scalar());
    }
  }
  CHECK(b.shape(b.op(Op::concat, {b.x, b.y, b.x})) == Shape::data(9));
  CHECK(b.shape(b.op(Op::concat, {b.matrix, b.parameter(1, 3)})) == Shape::matrix(3, 3));
  CHECK(b.shape(b.slice(b.x, 1, 3)) == Shape::data(2));
  CHECK(b.shape(b.slice(b.matrix, 0, 1)) == Shape::matrix(1, 3));
  CHECK(b.shape(b.op(Op::polynomial_features, {b.x})) == Shape::data(9));
  CHECK(b.shape(b.op(Op::polynomial_features, {two})) == Shape::data(5));
  CHECK(b.shape(b.op(Op::batch_mean, {b.x})) == Shape::matrix(3, 1));
}

TEST(wrong_shapes_are_refused_with_a_message) {
  Leaves b;
  const int32_t size = b.graph.size();
  CHECK_THROWS(b.product(Op::linear, {b.x}), "linear 'linear_6': expected 2 to 3 inputs, but got 1");
  CHECK_THROWS(b.product(Op::linear, {b.x, b.matrix}, true), "expected an input of 2 features");
  CHECK_THROWS(b.product(Op::linear, {b.x, b.y}),
               "the weight must be batchless (a parameter), but got 'y' (target, [batch x 3])");
  CHECK_THROWS(b.product(Op::linear, {b.x, b.matrix, b.vector}), "expected a bias of shape [2]");
  CHECK_THROWS(b.product(Op::linear, {b.vector, b.matrix}), "expected batched data");
  CHECK_THROWS(b.product(Op::matmul, {b.x, b.matrix, b.vector}), "expected 2 inputs, but got 3");
  CHECK_THROWS(b.op(Op::add, {b.x, b.matrix}),
               "the shapes do not fit: 'x' (input, [batch x 3]) and 'matrix'");
  CHECK_THROWS(b.op(Op::add, {b.vector, b.input(1, "of a sample")}),
               "one operand must be a scalar or have one value per feature or per sample");
  CHECK_THROWS(b.op(Op::multiply, {b.vector, b.matrix}), "the shapes do not fit");
  CHECK_THROWS(b.op(Op::subtract, {b.x, b.input(2, "narrow")}), "the shapes do not fit");
  CHECK_THROWS(b.op(Op::exp, {b.x, b.y}), "expected 1 inputs, but got 2");
  CHECK_THROWS(b.op(Op::sum, {}), "expected 1 inputs, but got 0");
  CHECK_THROWS(b.op(Op::leaky_relu, {b.x}, 0), "slope must be above 0 and finite, but got 0");
  CHECK_THROWS(b.op(Op::elu, {b.x}, -1), "alpha must be above 0 and finite, but got -1");
  CHECK_THROWS(b.op(Op::scale, {b.x}, INFINITY), "factor must be finite");
  CHECK_THROWS(b.op(Op::huber, {b.x, b.y}, 0), "delta must be above 0 and finite");
  for (double rate : {1.0, -0.1, 1.5, static_cast<double>(INFINITY), static_cast<double>(NAN)}) {
    CHECK_THROWS(b.op(Op::dropout, {b.x}, rate),
                 message("rate must be at least 0 and less than 1, but got ", rate));
  }
  CHECK_THROWS(b.op(Op::concat, {}), "inputs, but got 0");
  CHECK_THROWS(b.op(Op::concat, {b.x, b.vector}), "all inputs must be batched, or all batchless");
  CHECK_THROWS(b.op(Op::concat, {b.matrix, b.vector}), "with equal numbers of columns");
  for (auto [begin, end] : {std::pair<int64_t, int64_t>{-1, 2}, {0, 4}, {2, 2}, {2, 1}}) {
    CHECK_THROWS(b.slice(b.x, begin, end), "expected 0 <= begin < end <= 3");
  }
  CHECK_THROWS(b.op(Op::polynomial_features, {b.matrix}), "expected one vector of features");
  CHECK_THROWS(b.op(Op::batch_mean, {b.vector}), "expected batched data");
  CHECK_THROWS(b.op(Op::squared_error, {b.vector, b.vector}), "expected a batched prediction");
  CHECK_THROWS(b.op(Op::squared_error, {b.x, b.graph.find("narrow")}),
               "expected a target of shape [batch x 3]");
  CHECK_THROWS(b.op(Op::squared_error, {b.x, b.c}), "expected target values, but got the class label 'c'");
  CHECK_THROWS(b.op(Op::softmax_cross_entropy, {b.graph.find("narrow"), b.c}),
               "expected labels of 2 classes");
  for (Op op : operations()) {
    if (kind_of(op) == Kind::leaf || kind_of(op) == Kind::loss) continue;
    std::vector<int32_t> inputs = {b.c};
    if (kind_of(op) == Kind::binary) inputs.push_back(b.x);
    if (kind_of(op) == Kind::product) inputs.push_back(b.matrix);
    CHECK_THROWS(b.op(op, inputs, constant_of(op)), "expected values, but got the class label");
  }
  CHECK(b.graph.size() == size + 2);  // only 'narrow' and 'of a sample' were added, no refused node
}

TEST(wrong_leaves_are_refused_with_a_message) {
  Leaves b;
  CHECK_THROWS(b.input(0), "features must be between 1 and");
  CHECK_THROWS(b.target(-1), "features must be between 1 and");
  CHECK_THROWS(b.graph.label("", 0), "classes must be between 1 and");
  CHECK_THROWS(b.graph.label("", int64_t{1} << 33), "at most 2147483647 classes");
  CHECK_THROWS(b.parameter(0, 1), "rows must be between 1 and");
  CHECK_THROWS(b.parameter(int64_t{1} << 39, int64_t{1} << 39), "elements are more than");
  CHECK_THROWS(b.parameter(INT64_MAX, INT64_MAX), "rows must be between 1 and");
  CHECK_THROWS(b.graph.parameter("p", 1, 1, static_cast<Initializer>(9), 0),
               "expected an initializer number from 0 to 4, but got 9");
  CHECK_THROWS(b.graph.parameter("p", 1, 1, Initializer::constant, NAN), "the initial value must be finite");
  CHECK_THROWS(b.graph.constant("k", 2, 2, {1, 2, 3}), "expected 4 values for [2 x 2], but got 3");
  CHECK_THROWS(b.graph.constant("k", 1, 1, {NAN}), "values must be finite");
  CHECK_THROWS(b.input(2, "x"), "the graph already has a node with this name: 'x' (input, [batch x 3])");
  CHECK_THROWS(b.op(Op::input, {}), "add() does not accept leaves");
  CHECK_THROWS(b.op(Op::exp, {99}), "there is no node number 99");
  CHECK_THROWS(b.op(Op::exp, {-1}), "there is no node number -1");
  CHECK_THROWS(b.op(Op::exp, {b.graph.size()}), "there is no node number 6");
  CHECK_THROWS(b.graph.node(6), "there is no node number 6");
  CHECK(b.graph.size() == 6 && b.graph.find("k") == -1 && b.graph.find("y") == b.y);
  CHECK(b.graph.data_nodes() == (std::vector<int32_t>{b.x, b.y, b.c}));
  CHECK(b.graph.parameters() == (std::vector<int32_t>{b.vector, b.matrix, b.scalar}));
}

namespace {

// Records the calls of the walk.
struct Log : BackwardRules {
  std::string text;
  void complete(int32_t node) override { text += message(node, " "); }
  void backward(int32_t node, int32_t index) override { text += message(node, ".", index, " "); }
};

}  // namespace

TEST(the_reverse_walk_visits_the_nodes_between_loss_and_leaves) {
  Builder b;
  const int32_t x = b.input(3), w = b.parameter(2, 3), y = b.target(2);  // 0 1 2
  const int32_t f = b.product(Op::linear, {x, w});                       // 3
  b.op(Op::exp, {f});                                                    // 4: unused
  const int32_t twice = b.op(Op::multiply, {f, f});                      // 5
  const int32_t loss = b.op(Op::squared_error, {twice, y});              // 6
  Log parameters;
  walk_backward(b.graph, loss, needs_delta(b.graph, loss, {w}), parameters);
  CHECK(parameters.text == "6 6.0 5 5.0 5.1 3 3.1 1 ");
  Log inputs;
  walk_backward(b.graph, loss, needs_delta(b.graph, loss, {x, w}), inputs);
  CHECK(inputs.text == "6 6.0 5 5.0 5.1 3 3.0 3.1 1 0 ");
  Log nothing;
  walk_backward(b.graph, loss, needs_delta(b.graph, loss, {}), nothing);
  CHECK(nothing.text.empty());
}
