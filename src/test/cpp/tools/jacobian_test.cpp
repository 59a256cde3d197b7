// Jacobians: by backward passes and by differences, compared with each other and with known results.
#include "tools/jacobian.h"

#include <cmath>

#include "gradient_check.h"
#include "graph_builder.h"
#include "harness.h"
#include "ops/custom.h"

using namespace test;

namespace {

struct Net {
  Builder b;
  int32_t x, weight, a, z, mean, loss, target;
};

// The network x → linear → tanh → linear → loss, with the nodes between which the tests compute Jacobians.
Net net() {
  Net n;
  n.x = n.b.input(3, "x");
  n.weight = n.b.parameter(4, 3, "w");
  n.a = n.b.op(Op::tanh, {n.b.product(Op::linear, {n.x, n.weight})});
  n.z = n.b.layer(n.a, 2);
  n.mean = n.b.op(Op::subtract, {n.z, n.b.op(Op::batch_mean, {n.z})});
  n.target = n.b.target(2, "t");
  n.loss = n.b.op(Op::squared_error, {n.mean, n.target});
  return n;
}

std::vector<double> jacobian(const Graph& graph, DType dtype, int32_t z, int32_t x, int64_t batch,
                             bool by_differences) {
  auto model = std::make_shared<Model>(graph, dtype, 0);
  Jacobian j(model, z, x);
  set_values(random_values(graph, batch, 3), batch, model.get(), &j.inputs());
  std::vector<double> values(at(j.matrices(batch) * j.rows() * j.columns()), NAN);
  j.compute(batch, by_differences, values.data(), static_cast<int64_t>(values.size()));
  return values;
}

}  // namespace

TEST(jacobian_of_backward_passes_and_of_differences_agree) {
  const Net n = net();
  struct Pair {
    int32_t z, x;
    int64_t batch;
  };
  // A batched node by data and by a parameter; the loss by data and by a parameter; a node by an intermediate node and
  // by itself; the loss by a target. `mean` mixes the samples of a batch, so its batch has one sample.
  const std::vector<Pair> pairs = {
      {n.z, n.x, 5}, {n.z, n.weight, 5},    {n.loss, n.x, 5}, {n.loss, n.weight, 5}, {n.z, n.a, 5},
      {n.a, n.a, 5}, {n.loss, n.target, 5}, {n.mean, n.x, 1}, {n.loss, n.z, 4},      {n.weight, n.weight, 2}};
  for (const Pair& pair : pairs) {
    for (DType dtype : {DType::float64, DType::float32}) {
      const std::vector<double> exact = jacobian(n.b.graph, dtype, pair.z, pair.x, pair.batch, false);
      const std::vector<double> differences = jacobian(n.b.graph, dtype, pair.z, pair.x, pair.batch, true);
      CHECK(exact.size() == differences.size());
      for (size_t i = 0; i < exact.size(); ++i) {
        CHECK_NEAR(exact[i], differences[i], dtype == DType::float64 ? 3e-7 : 6e-3);
      }
    }
  }
}

// Differences use a copy of the graph. The copy must be possible even if a custom operation of the graph is no longer
// registered.
TEST(jacobian_by_differences_works_with_an_unregistered_operation) {
  set_custom_host(
      [](int32_t, bool, int64_t count, const double*, const double* z, const double*, double* result) {
        for (int64_t i = 0; i < count; ++i) result[i] = z[i] * z[i];
        return true;
      });
  register_custom("test_square");
  Builder b;
  const int32_t x = b.input(3);
  Node node;
  node.op = Op::custom;
  node.inputs = {b.op(Op::tanh, {x})};
  node.custom = "test_square";
  const int32_t z = b.graph.add(std::move(node));
  unregister_custom("test_square");
  const std::vector<double> differences = jacobian(b.graph, DType::float64, z, x, 1, true);
  const Values values = random_values(b.graph, 1, 3);
  for (size_t i = 0; i < 3; ++i) {
    const double t = std::tanh(values[at(x)][i]);
    CHECK_NEAR(differences[i * 3 + i], 2 * t * (1 - t * t), 3e-7);
  }
}

// With (dz/dx)_ij = dz_j/dx_i, dz/dx of z = W x is Wᵀ. Textbooks differ in this convention.
TEST(jacobian_of_a_linear_layer_is_its_transposed_weight) {
  Builder b;
  const int32_t x = b.input(3), w = b.parameter(2, 3), z = b.product(Op::linear, {x, w});
  auto model = std::make_shared<Model>(b.graph, DType::float64, 1);
  Jacobian j(model, z, x);
  CHECK(j.rows() == 3 && j.columns() == 2);
  set_values(random_values(b.graph, 4, 3), 4, model.get(), &j.inputs());
  std::vector<double> values(4 * 3 * 2), weight(6);
  j.compute(4, false, values.data(), 24);
  model->read_parameter(w, weight.data(), 6);
  for (size_t sample = 0; sample < 4; ++sample) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t k = 0; k < 2; ++k) CHECK(values[(sample * 3 + i) * 2 + k] == weight[k * 3 + i]);
    }
  }
}

TEST(jacobian_by_an_independent_node_is_zero_and_wrong_requests_are_refused) {
  Net n = net();
  const int32_t other = n.b.input(2, "other"), label = n.b.label(2);
  for (double value : jacobian(n.b.graph, DType::float64, n.z, other, 3, false)) CHECK(value == 0);
  for (double value : jacobian(n.b.graph, DType::float64, n.x, n.z, 3, true)) CHECK(value == 0);
  CHECK_THROWS(jacobian(n.b.graph, DType::float64, n.z, label, 3, false), "a class label has no derivative");
  CHECK_THROWS(jacobian(n.b.graph, DType::float64, n.mean, n.x, 3, false), "expected a batch of one sample");
  auto model = std::make_shared<Model>(n.b.graph, DType::float64, 1);
  Jacobian j(model, n.z, n.x);
  std::vector<double> values(6);
  CHECK_THROWS(j.compute(1, false, values.data(), 6), "expected data for");
  CHECK_THROWS(j.compute(1, false, values.data(), 5), "expected an array of 6 values, but got 5");
  CHECK_THROWS(j.compute(0, false, values.data(), 6), "at least one sample");
}
