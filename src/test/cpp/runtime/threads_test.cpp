// Several threads use one model while the team computes. These tests also run under the thread sanitizer.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#include "graph_builder.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "team_threads.h"

using namespace test;

namespace {

constexpr int64_t in = 64, wide = 300;

void fill(Inputs& inputs, int32_t slot, int64_t values, int64_t batch) {
  float* to = reinterpret_cast<float*>(inputs.reserve(slot, batch));
  for (int64_t i = 0; i < values * batch; ++i) to[i] = static_cast<float>(i % 13) / 13 - 0.4f;
}

}  // namespace

// A prediction uses one state of the parameters, whenever it runs. So f and 2 f agree, and two equal samples agree even
// if they are computed in different chunks of one call.
TEST(threads_predict_from_one_state_of_the_parameters_while_another_trains) {
  const TeamThreads threads(3);
  Builder b;
  const int32_t x = b.input(in, "x");
  const int32_t f = b.layer(b.op(Op::tanh, {b.layer(x, wide)}), 4);
  const int32_t doubled = b.op(Op::scale, {f}, 2);
  const int32_t loss = b.op(Op::squared_error, {f, b.target(4, "y")});
  auto model = std::make_shared<Model>(b.graph, DType::float32, 3);
  Trainer trainer(model, loss, at_rate(1e-2, sgd()));
  CHECK(trainer.describe_plan(100).find(" 2 tiles") != std::string::npos);  // the team has work
  Predictor first(model, {f, doubled}), second(model, {doubled, f});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, predictions{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&, i] {
      Predictor& predictor = i % 2 == 0 ? first : second;
      const int64_t batch = i < 2 ? 1100 : 40;  // two chunks, or one
      const std::unique_ptr<Workspace> workspace = predictor.workspace();
      fill(workspace->inputs(), 0, in, batch);
      float* samples = reinterpret_cast<float*>(workspace->inputs().reserve(0, batch));
      std::copy(samples, samples + in, samples + (batch - 1) * in);
      const float* values[2];
      for (int32_t k : {0, 1}) values[k] = reinterpret_cast<float*>(workspace->reserve_output(k, batch));
      const float *once = values[i % 2], *twice = values[1 - i % 2];
      while (!done) {
        predictor.predict(*workspace, batch);
        bool fine = true;
        for (int64_t k = 0; k < 4 * batch; ++k) fine = fine && twice[k] == 2 * once[k];
        for (int64_t k = 0; k < 4; ++k) {
          // Chunks may add up in different orders: a few 2^-24 for each of 300 terms below 1.
          fine = fine && std::abs(once[k] - once[4 * (batch - 1) + k]) <= 2e-5f;
        }
        if (!fine) ++wrong;
        ++predictions;
      }
    });
  }
  fill(trainer.inputs(), 0, in, 100);
  fill(trainer.inputs(), 1, 4, 100);
  double before = trainer.step(100), after = before;
  for (int steps = 0; steps < 60 || predictions < 40; ++steps) after = trainer.step(100);
  done = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(after < before);
}

// Two trainers of two models share the team at the same time. Each gets the same bits as when it runs alone.
TEST(threads_with_two_trainers_get_the_same_bits_as_one_trainer_alone) {
  const TeamThreads threads(2);
  Builder b;
  const int32_t f = b.layer(b.op(Op::relu, {b.layer(b.input(in, "x"), wide)}), 4);
  const int32_t loss = b.op(Op::squared_error, {f, b.target(4, "y")});
  const auto train = [&](std::vector<char>* bits) {
    auto model = std::make_shared<Model>(b.graph, DType::float32, 3);
    Trainer trainer(model, loss, at_rate(1e-3, adam()));
    fill(trainer.inputs(), 0, in, 100);
    fill(trainer.inputs(), 1, 4, 100);
    for (int i = 0; i < 30; ++i) trainer.step(100);
    bits->assign(model->parameters(), model->parameters() + model->layout().parameter_bytes);
  };
  std::vector<char> alone, together[2];
  train(&alone);
  std::thread one([&] { train(&together[0]); }), other([&] { train(&together[1]); });
  one.join();
  other.join();
  CHECK(together[0] == alone && together[1] == alone);
}

// There are more batch sizes than plans are kept. Each size is planned again when it returns, and no plans are mixed
// up.
TEST(plans_of_more_batch_sizes_than_are_kept_are_not_mixed_up) {
  Builder b;
  const int32_t f = b.op(Op::scale, {b.input(2, "x")}, 3);
  auto model = std::make_shared<Model>(b.graph, DType::float32, 3);
  Predictor predictor(model, {f});
  const std::unique_ptr<Workspace> workspace = predictor.workspace();
  for (int round = 0; round < 2; ++round) {
    for (int64_t batch = 1; batch <= 20; ++batch) {
      fill(workspace->inputs(), 0, 2, batch);
      const float* x = reinterpret_cast<float*>(workspace->inputs().reserve(0, batch));
      float* y = reinterpret_cast<float*>(workspace->reserve_output(0, batch));
      std::fill_n(y, 2 * batch, NAN);
      predictor.predict(*workspace, batch);
      for (int64_t i = 0; i < 2 * batch; ++i) CHECK(y[i] == 3 * x[i]);
    }
  }
}
