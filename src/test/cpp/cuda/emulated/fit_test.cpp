// fit() on the emulated device. A burst of steps gives the same results as single steps, whether the data set is stored
// on the device or streamed to it, and however early or late copies run.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cuda/emulated/emulation.h"
#include "cuda/engines.h"
#include "graph_builder.h"
#include "harness.h"
#include "plan_run.h"
#include "runtime/trainer.h"
#include "util/random.h"

using namespace test;

namespace {

constexpr int64_t features = 20, classes = 3, examples = 640, batch = 10;

std::unique_ptr<Dataset> dataset(int64_t bad_example = -1) {
  auto data = std::make_unique<Dataset>(examples);
  float* x = reinterpret_cast<float*>(data->add_column("x", ColumnType::float32, features));
  int32_t* y = reinterpret_cast<int32_t*>(data->add_column("y", ColumnType::label, 1));
  for (int64_t i = 0; i < examples; ++i) {
    for (int64_t f = 0; f < features; ++f) {
      x[i * features + f] =
          static_cast<float>(random_uniform(5, static_cast<uint64_t>(i), static_cast<uint64_t>(f)));
    }
    y[i] = static_cast<int32_t>(x[i * features] * classes);
  }
  if (bad_example >= 0) x[bad_example * features + 3] = NAN;
  return data;
}

enum class Data { resident, streamed };

struct Training {
  std::shared_ptr<Model> model;
  std::unique_ptr<Trainer> trainer;

  Training(const Dataset& data, Data where, const OptimizerSettings& optimizer, bool shuffle = true) {
    Builder b;
    const int32_t hidden = b.op(Op::tanh, {b.layer(b.input(features, "x"), 12)});
    const int32_t kept = b.op(Op::dropout, {hidden}, 0.2);  // what it drops depends on the number of the step
    const int32_t loss =
        b.op(Op::softmax_cross_entropy, {b.layer(kept, classes), b.graph.label("y", classes)});
    model =
        std::make_shared<Model>(std::move(b.graph), DType::float32, 5, *cuda_engine(CudaPrecision::float32));
    trainer = std::make_unique<Trainer>(model, loss, optimizer);
    // a data set that needs more than half of the free memory is not stored on the device
    if (where == Data::streamed) limit_emulated_bytes(emulated_bytes() + data.bytes());
    trainer->bind(data, batch);
    limit_emulated_bytes(int64_t{1} << 34);
    trainer->shuffle(shuffle, 3);
  }

  void fit_one_by_one(int64_t steps) {
    for (int64_t i = 0; i < steps; ++i) CHECK(trainer->fit(1, 100, 1e9) == 1);
  }
};

const std::vector<OptimizerSettings> optimizers = {at_rate(0.01, sgd()), at_rate(0.01, sgd(0.9)),
                                                   at_rate(0.01, adam())};

void expect_same(const Training& a, const Training& b, const std::string& what) {
  const Progress &p = a.trainer->progress(), &q = b.trainer->progress();
  CHECK(p.steps == q.steps && p.epoch == q.epoch && p.position == q.position);
  CHECK(p.last_loss == q.last_loss && p.running_sum == q.running_sum && p.epoch_loss == q.epoch_loss);
  for (int32_t id : a.model->graph().parameters()) {
    std::vector<float> x(static_cast<size_t>(a.model->graph().node(id).shape.elements())), y(x.size());
    a.model->read_parameter(id, x.data(), static_cast<int64_t>(x.size()));
    b.model->read_parameter(id, y.data(), static_cast<int64_t>(y.size()));
    if (!same_bits(x, y)) fail(what.c_str(), id, "the parameter differs");
  }
}

}  // namespace

TEST(cuda_emulated_bursts_give_the_bits_of_single_steps) {
  const auto data = dataset();
  for (const OptimizerSettings& o : optimizers) {
    Training single(*data, Data::resident, o);
    single.fit_one_by_one(170);  // about two and a half epochs
    for (Data where : {Data::resident, Data::streamed}) {
      for (bool early : {false, true}) {
        emulate_early(early);
        Training in_bursts(*data, where, o);
        CHECK(in_bursts.trainer->fit(170, 100, 1e9) == 170);
        expect_same(in_bursts, single, where == Data::resident ? "resident" : "streamed");
        emulate_early(false);
      }
    }
  }
}

TEST(cuda_emulated_steps_of_a_burst_do_not_wait_for_each_other) {
  const auto data = dataset();
  for (Data where : {Data::resident, Data::streamed}) {
    Training training(*data, where, optimizers[2]);
    training.trainer->fit(64, 100, 1e9);
    take_emulated_launches();
    training.trainer->fit(64, 100, 1e9);  // an epoch
    const EmulatedLaunches launched = take_emulated_launches();
    CHECK(launched.graphs == 64 && launched.kernels == 0);
    CHECK(launched.waits < 32);
    const int64_t kept = training.trainer->memory().dataset - data->bytes();
    CHECK((kept >= data->bytes()) == (where == Data::resident));
  }
}

// The steps before the bad one count. The steps after it do not, although they were launched.
TEST(cuda_emulated_a_non_finite_loss_ends_the_burst) {
  const auto good = dataset(), bad = dataset(470);
  for (const OptimizerSettings& o : optimizers) {
    Training expected(*good, Data::resident, o, false);
    expected.fit_one_by_one(47);
    for (Data where : {Data::resident, Data::streamed}) {
      Training training(*bad, where, o, false);
      for (int time = 0; time < 2; ++time) {  // the second call begins at the bad batch
        CHECK_THROWS(training.trainer->fit(64, 100, 1e9), "no parameter was changed (47 steps so far)");
        expect_same(training, expected, "after the bad batch");
      }
    }
  }
}
