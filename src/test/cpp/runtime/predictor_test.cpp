// Predictions: batches of any size, several outputs, and several threads that predict while a trainer runs.
#include "runtime/predictor.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "graph_builder.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/trainer.h"
#include "util/random.h"

using namespace test;

namespace {

struct Net {
  Graph graph;
  int32_t hidden, output, norm, weight;
};

Net network() {
  Builder b;
  const int32_t x = b.input(6, "x"), weight = b.parameter(5, 6, "weight");
  const int32_t hidden = b.op(Op::relu, {b.product(Op::linear, {x, weight, b.parameter(5, 1, "bias")})});
  const int32_t output = b.op(Op::softmax, {b.layer(hidden, 3)});
  const int32_t norm = b.op(Op::squared_norm, {weight});
  return {std::move(b.graph), hidden, output, norm, weight};
}

std::vector<double> compute(Predictor& predictor, const std::vector<double>& x, int32_t outputs,
                            int32_t which, int64_t values) {
  const int64_t batch = static_cast<int64_t>(x.size()) / 6;
  const std::unique_ptr<Workspace> workspace = predictor.workspace();
  std::copy(x.begin(), x.end(), reinterpret_cast<double*>(workspace->inputs().reserve(0, batch)));
  const double* result = nullptr;
  for (int32_t i = 0; i < outputs; ++i) {
    const char* memory = workspace->reserve_output(i, batch);
    if (i == which) result = reinterpret_cast<const double*>(memory);
  }
  predictor.predict(*workspace, batch);
  return {result, result + values};
}

std::vector<double> samples(int64_t batch) {
  std::vector<double> x(static_cast<size_t>(batch) * 6);
  for (size_t i = 0; i < x.size(); ++i) x[i] = random_normal(1, 0, i);
  return x;
}

}  // namespace

TEST(predictions_do_not_depend_on_the_batch) {
  Net net = network();
  auto model = std::make_shared<Model>(net.graph, DType::float64, 3);
  Predictor predictor(model, {net.hidden, net.output, net.norm});
  const std::vector<double> x = samples(3000);
  std::vector<double> weight(30);
  model->read_parameter(net.weight, weight.data(), 30);
  double norm = 0;
  for (double w : weight) norm += w * w;
  for (int64_t batch : {1, 5, 1024, 1500, 3000}) {
    const std::vector<double> part(x.begin(), x.begin() + batch * 6);
    const std::vector<double> output = compute(predictor, part, 3, 1, batch * 3);
    for (int64_t i : {int64_t{0}, batch / 2, batch - 1}) {
      const std::vector<double> one(x.begin() + i * 6, x.begin() + i * 6 + 6);
      const std::vector<double> alone = compute(predictor, one, 3, 1, 3);
      double sum = 0;
      for (int64_t j = 0; j < 3; ++j) {
        CHECK_NEAR(output[static_cast<size_t>(i * 3 + j)], alone[static_cast<size_t>(j)], 1e-14);
        sum += alone[static_cast<size_t>(j)];
      }
      CHECK_NEAR(sum, 1, 1e-14);
    }
    for (double a : compute(predictor, part, 3, 0, batch * 5)) CHECK(a >= 0 && !std::signbit(a));
    CHECK_NEAR(compute(predictor, part, 3, 2, 1)[0], norm, 1e-13);
  }
}

TEST(predictors_refuse_wrong_batches_workspaces_and_outputs) {
  Net net = network();
  auto model = std::make_shared<Model>(net.graph, DType::float64, 3);
  Predictor predictor(model, {net.output}), other(model, {net.hidden});
  const std::unique_ptr<Workspace> workspace = predictor.workspace();
  CHECK_THROWS(predictor.predict(*workspace, 0), "at least one sample");
  CHECK_THROWS(predictor.predict(*workspace, 2), "expected memory for 2 samples of the output ");
  workspace->reserve_output(0, 2);
  CHECK_THROWS(predictor.predict(*workspace, 2), "expected data for 'x'");
  workspace->inputs().reserve(0, 1);
  CHECK_THROWS(predictor.predict(*workspace, 2), "expected 2 samples for 'x'");
  CHECK_THROWS(other.predict(*workspace, 1), "belongs to another predictor");
  CHECK_THROWS(Predictor(model, {99}), "there is no node number 99");
}

// A learning rate of 0 does not change the parameters, so every prediction has the same right value.
TEST(threads_predict_while_another_trains) {
  Builder b;
  const int32_t x = b.input(6, "x");
  const int32_t f = b.op(Op::tanh, {b.layer(x, 4)});
  const int32_t loss = b.op(Op::squared_error, {f, b.target(4, "y")});
  auto model = std::make_shared<Model>(b.graph, DType::float64, 3);
  Trainer trainer(model, loss, at_rate(0, sgd(0.9)));
  Predictor predictor(model, {f});
  const std::vector<double> data = samples(20);
  const std::vector<double> expected = compute(predictor, data, 1, 0, 80);
  std::atomic<bool> done{false};
  std::atomic<int64_t> wrong{0}, predictions{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!done) {
        if (compute(predictor, data, 1, 0, 80) != expected) ++wrong;
        ++predictions;
      }
    });
  }
  std::copy(data.begin(), data.end(), reinterpret_cast<double*>(trainer.inputs().reserve(0, 20)));
  trainer.inputs().reserve(1, 20);
  int steps = 0;
  while (steps < 300 || predictions < 50) {
    trainer.step(20);
    ++steps;
  }
  done = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}
