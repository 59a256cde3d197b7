// Dropout: its rule, and which elements a training step drops on both engines and in every schedule of a plan. Also
// that gradients, statistics and the checking mode drop the same elements as the training step.
#include "ops/dropout.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cuda/compare.h"
#include "cuda/engines.h"
#include "files/model_file.h"
#include "gradient_check.h"
#include "graph_builder.h"
#include "harness.h"
#include "io/folder.h"
#include "plan_run.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "team_threads.h"
#include "tools/gradients.h"
#include "util/random.h"

using namespace test;

namespace {

// A graph whose loss depends on dropout of an input, for tests of the value and of the derivative.
struct InputDropout {
  Builder b;
  int32_t x, y, t, loss;

  InputDropout(int64_t features, double rate) {
    x = b.input(features, "x");
    y = b.op(Op::dropout, {x}, rate);
    t = b.target(features, "t");
    loss = b.op(Op::squared_error, {y, t});
  }
  PlanRequest request(int64_t batch) const {
    PlanRequest request;
    request.batch = batch;
    request.loss = loss;
    request.backward = true;
    request.outputs = {y};
    return request;
  }
  // Returns inputs of 1 and targets of 0.
  Values ones(int64_t batch) const {
    Values values(at(b.graph.size()));
    values[at(x)].assign(at(batch * b.graph.node(x).shape.rows), 1);
    values[at(t)].assign(values[at(x)].size(), 0);
    return values;
  }
};

template <class T>
std::vector<T> dropped_ones(const InputDropout& net, int64_t batch, uint64_t seed, int64_t steps_before,
                            Backend& backend = cpu_backend()) {
  PlanRun<T> run(net.b.graph, net.request(batch), net.ones(batch), backend);
  run.seed = seed;
  run.steps_before = steps_before;
  run.step();
  const std::vector<T> first = run.output(0);
  for (int i = 0; i < 2; ++i) {  // on a GPU the second run captures a graph and the third replays it
    run.step();
    CHECK(same_bits(run.output(0), first));
  }
  return first;
}

template <class T>
bool same_zeros(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](T x, T y) { return (x == 0) == (y == 0); });
}

// Returns the fraction of elements that are zero in one of `a` and `b`, but not in the other.
template <class T>
double difference(const std::vector<T>& a, const std::vector<T>& b) {
  int64_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += (a[i] == 0) != (b[i] == 0);
  return static_cast<double>(count) / static_cast<double>(a.size());
}

// A network with two dropouts. The steps of narrow layers share tiles, those of wide layers do not.
struct Net {
  Graph graph;
  int32_t x, first, second, loss;
};
Net net(int64_t features, int64_t width, double rate = 0.3) {
  Builder b;
  const int32_t x = b.input(features, "x");
  const int32_t first = b.op(Op::dropout, {b.op(Op::relu, {b.layer(x, width)})}, rate);
  const int32_t second = b.op(Op::dropout, {b.layer(first, width)}, rate);
  const int32_t loss = b.op(Op::mean_squared_error, {b.layer(second, 2), b.target(2, "y")});
  return {std::move(b.graph), x, first, second, loss};
}

constexpr int64_t examples = 90, features = 6;

template <class T>
void fill(Inputs& inputs, int64_t batch) {
  T* x = reinterpret_cast<T*>(inputs.reserve(0, batch));
  T* y = reinterpret_cast<T*>(inputs.reserve(1, batch));
  for (int64_t i = 0; i < batch * features; ++i)
    x[i] = static_cast<T>(random_normal(3, 0, static_cast<uint64_t>(i)));
  for (int64_t i = 0; i < batch; ++i) {
    y[2 * i] = x[i * features] + x[i * features + 1];
    y[2 * i + 1] = x[i * features + 2];
  }
}

std::unique_ptr<Dataset> dataset() {
  auto data = std::make_unique<Dataset>(examples);
  float* x = reinterpret_cast<float*>(data->add_column("x", ColumnType::float32, features));
  float* y = reinterpret_cast<float*>(data->add_column("y", ColumnType::float32, 2));
  for (int64_t i = 0; i < examples * features; ++i)
    x[i] = static_cast<float>(random_normal(3, 0, static_cast<uint64_t>(i)));
  for (int64_t i = 0; i < examples; ++i) y[2 * i] = x[i * features], y[2 * i + 1] = x[i * features + 1];
  return data;
}

std::vector<double> parameters(const Model& model) {
  std::vector<double> all;
  for (int32_t id : model.graph().parameters()) {
    std::vector<double> one(at(model.graph().node(id).shape.elements()));
    model.read_parameter(id, one.data(), static_cast<int64_t>(one.size()));
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

}  // namespace

TEST(dropout_compares_random_words_with_the_rate_exactly) {
  for (double rate : {0.0, 1e-9, 0.1, 0.25, 0.5, 0.9, 1 - 0x1p-24}) {
    const auto first_kept =
        static_cast<uint32_t>(std::ceil(static_cast<double>(static_cast<float>(rate)) * 0x1p24));
    for (uint32_t number : {0u, 1u, first_kept - 1, first_kept, first_kept + 1, (1u << 24) - 1}) {
      if (number >= 1u << 24) continue;
      for (uint32_t below : {0u, 255u}) {
        const float kept = number >= first_kept ? 1 : 0;
        CHECK(Dropout::mask(static_cast<float>(rate), number << 8 | below) == kept);
      }
    }
  }
  CHECK(Dropout::mask(0.5, 0x80000000u) == 1 && Dropout::mask(0.5, 0x7fffffffu) == 0);
}

// At rate 0 every value keeps its bits. At other rates NaN stays NaN, both if it is kept and if it is dropped.
TEST(dropout_at_rate_zero_is_the_identity_and_nan_stays_nan) {
  const float values[] = {0, -0.0f, 1e-45f, -3.7f, 3e38f, -HUGE_VALF};
  for (uint32_t word : {0u, 255u, 0x12345678u, 0xffffffffu}) {
    for (float z : values) {
      const float a = Dropout::forward(z, 0.0f, word), d = Dropout::backward(z, 0.0f, 0.0f, word);
      CHECK(std::memcmp(&a, &z, sizeof z) == 0 && std::memcmp(&d, &z, sizeof z) == 0);
    }
    CHECK(std::isnan(Dropout::forward(NAN, 0.5f, word)) &&
          std::isnan(Dropout::backward(NAN, 0.0f, 0.5f, word)));
  }
}

// An input of 1 becomes 1 / (1 - rate) if it is kept. Bounds are five standard deviations of the fraction that is kept,
// for 200 000 elements.
TEST(dropout_drops_its_rate_and_keeps_the_mean) {
  constexpr int64_t width = 100, batch = 2000, count = width * batch;
  for (double rate : {0.05, 0.3, 0.5, 0.9}) {
    const InputDropout dropout(width, rate);
    const std::vector<float> y = dropped_ones<float>(dropout, batch, 11, 4);
    const std::vector<double> in_double = dropped_ones<double>(dropout, batch, 11, 4);
    int64_t kept = 0;
    double sum = 0;
    for (float value : y) {
      CHECK(value == 0 || value == 1 / (1 - static_cast<float>(rate)));
      kept += value != 0;
      sum += static_cast<double>(value);
    }
    const double share = static_cast<double>(kept) / count, deviation = std::sqrt(rate * (1 - rate) / count);
    CHECK_NEAR(share, 1 - rate, 5 * deviation);
    CHECK_NEAR(sum / count, 1, 5 * deviation / (1 - rate));
    for (size_t i = 0; i < y.size(); ++i) CHECK((y[i] == 0) == (in_double[i] == 0));
    // Neighbouring elements are independent: the fraction of pairs that differ is that of independent elements.
    const double differ = 2 * rate * (1 - rate), pairs = std::sqrt(differ * (1 - differ) / count) * 10;
    for (int64_t apart : {int64_t{1}, int64_t{2}, int64_t{3}, width, 2 * width, 3 * width, 4 * width}) {
      CHECK_NEAR(difference(std::vector<float>(y.begin(), y.end() - apart),
                            std::vector<float>(y.begin() + apart, y.end())),
                 differ, pairs);
    }
  }
}

TEST(dropout_depends_on_seed_step_and_node) {
  const InputDropout dropout(10, 0.5);
  const auto mask = [&](uint64_t seed, int64_t step) {
    return dropped_ones<float>(dropout, 100, seed, step);
  };
  const std::vector<float> first = mask(7, 3);
  CHECK(same_bits(first, mask(7, 3)));
  for (const std::vector<float>& other : {mask(8, 3), mask(7, 4), mask(7 + (uint64_t{1} << 32), 3)}) {
    CHECK_NEAR(difference(first, other), 0.5, 0.1);
  }
  Builder b;  // two dropouts of one input, which the sum also reads directly
  const int32_t x = b.input(10), y = b.op(Op::dropout, {x}, 0.5), z = b.op(Op::dropout, {x}, 0.5);
  const int32_t sum = b.op(Op::add, {b.op(Op::add, {y, z}), x});
  PlanRequest request;
  request.batch = 100;
  request.training = true;
  request.outputs = {x, y, z, sum};
  Values values(at(b.graph.size()));
  values[at(x)].assign(1000, 1);
  PlanRun<float> run(b.graph, request, values);
  run.forward();
  CHECK_NEAR(difference(run.output(1), run.output(2)), 0.5, 0.1);
  for (size_t i = 0; i < 1000; ++i) {
    CHECK(run.output(0)[i] == 1);
    CHECK(run.output(3)[i] == run.output(1)[i] + run.output(2)[i] + 1);
  }
}

// With x = 1 and t = 0 the derivative is 2 y / (1 - rate) / batch where y is kept, and 0 elsewhere.
TEST(dropout_drops_the_same_elements_backward) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (Backend* backend : {&cpu_backend(), &engine}) {
    for (int64_t width : {1, 5, 64}) {
      const InputDropout dropout(width, 0.4);
      PlanRun<float> run(dropout.b.graph, dropout.request(37), dropout.ones(37), *backend);
      run.seed = 3;
      run.steps_before = 5;
      run.step();
      const std::vector<float> d_x = run.gradient(dropout.x);
      for (size_t i = 0; i < d_x.size(); ++i) {
        const double y = run.output(0)[i];
        CHECK_NEAR(d_x[i], 2 * y / 37 / 0.6, 1e-6);
      }
      CHECK(width == 1 || std::count(d_x.begin(), d_x.end(), 0.0f) > 0);
    }
  }
}

// Runs a step of 12 samples, and the same samples in several batches. What is dropped depends on the position of a
// sample in the whole step.
TEST(dropout_of_a_step_in_several_batches_drops_the_same_elements) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (Backend* backend : {&cpu_backend(), &engine}) {
    for (int64_t width : {1, 3, 70}) {
      const InputDropout dropout(width, 0.5);
      PlanRun<float> whole(dropout.b.graph, dropout.request(12), dropout.ones(12), *backend);
      whole.seed = 9;
      whole.steps_before = 2;
      whole.step();
      for (const std::vector<int64_t>& sizes :
           {std::vector<int64_t>{4, 4, 4}, {5, 4, 3}, {1, 10, 1}, {7, 5}}) {
        std::vector<float> y, d_x;
        int64_t first = 0;
        for (int64_t size : sizes) {
          PlanRun<float> part(dropout.b.graph, dropout.request(size), dropout.ones(size), *backend);
          part.seed = 9;
          part.steps_before = 2;
          part.first_sample = first;
          part.step();
          const std::vector<float> d = part.gradient(dropout.x);
          y.insert(y.end(), part.output(0).begin(), part.output(0).end());
          for (float value : d) d_x.push_back(value * static_cast<float>(size) / 12);
          first += size;
        }
        CHECK(same_bits(y, whole.output(0)));
        const std::vector<float> expected = whole.gradient(dropout.x);
        for (size_t i = 0; i < expected.size(); ++i) CHECK_NEAR(d_x[i], expected[i], 1e-6);
      }
    }
  }
}

// Which elements of a parameter are dropped does not depend on the batch size or on the first sample.
TEST(dropout_of_a_batchless_node_does_not_depend_on_the_batch) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  Builder b;
  const int32_t w = b.parameter(9, 6), kept = b.op(Op::dropout, {w}, 0.5);
  const int32_t loss = b.op(Op::squared_error, {b.product(Op::linear, {b.input(6), kept}), b.target(9)});
  const std::vector<double> weight = random_values(b.graph, 1, 3)[at(w)];
  std::vector<float> expected;
  for (Backend* backend : {&cpu_backend(), &engine}) {
    for (int64_t batch : {1, 10}) {
      for (int64_t first : {0, 4}) {
        PlanRequest request;
        request.batch = batch;
        request.loss = loss;
        request.backward = true;
        request.outputs = {kept};
        Values values = random_values(b.graph, batch, 3);
        values[at(w)] = weight;
        PlanRun<float> run(b.graph, request, values, *backend);
        run.seed = 4;
        run.first_sample = first;
        run.step();
        if (expected.empty()) expected = run.output(0);
        CHECK(same_bits(run.output(0), expected));
        const std::vector<float> d_w = run.gradient(w);
        for (size_t i = 0; i < d_w.size(); ++i) CHECK((d_w[i] == 0) == (expected[i] == 0));
      }
    }
  }
  const int64_t zeros = std::count(expected.begin(), expected.end(), 0.0f);
  CHECK(zeros > 10 && zeros < 44);
}

// Compares plans that run all steps of a tile in one phase, on several numbers of threads, with plans that run every
// step in its own phase.
TEST(dropout_has_the_same_bits_in_every_schedule_and_for_any_number_of_threads) {
  for (auto [narrow, batch] : {std::pair<int64_t, int64_t>{8, 3000}, {64, 1000}, {300, 130}}) {
    const Net n = net(features, narrow);
    const Values values = random_values(n.graph, batch, 2);
    for (bool update : {false, true}) {
      PlanRequest request = training(n.loss, batch, adam(0.01));
      request.update = update;
      const auto results = [&](const PlanTesting& testing, int32_t threads) {
        const TeamThreads team(threads);
        PlanRun<float> run(n.graph, request, values, testing);
        run.seed = 5;
        run.steps_before = 8;
        run.update = scalars(run.optimizer(), 9, 0.05);
        run.step();
        std::vector<float> all;
        for (int32_t id : n.graph.parameters()) {
          const std::vector<float> one = update ? run.parameter(id) : run.gradient(id);
          all.insert(all.end(), one.begin(), one.end());
        }
        return all;
      };
      const std::vector<float> expected = results(steps_apart(), 1);
      for (float value : expected) CHECK(std::isfinite(value));
      for (int32_t threads : {1, 2, 3, 5}) CHECK(same_bits(results({}, threads), expected));
    }
    PlanRequest request = training(n.loss, batch);
    const size_t phases = make_plan(n.graph, request, cpu_backend()).program.phases.size();
    CHECK(phases < make_plan(n.graph, request, cpu_backend(), steps_apart()).program.phases.size());
  }
}

// The CUDA engine drops the same elements as the CPU: in single values, in whole trainings with bursts, and on its
// tiles.
TEST(dropout_on_cuda_drops_the_same_elements_as_on_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t width : {1, 3, 32, 130}) {
    for (int64_t batch : {1, 5, 33, 1000}) {
      const InputDropout dropout(width, 0.35);
      CHECK(same_bits(dropped_ones<float>(dropout, batch, 21, 6),
                      dropped_ones<float>(dropout, batch, 21, 6, engine)));
      CHECK(same_bits(dropped_ones<double>(dropout, batch, 21, 6),
                      dropped_ones<double>(dropout, batch, 21, 6, engine)));
    }
  }
  const auto data = dataset();
  for (int64_t width : {12, 200}) {  // with tiles, and without
    const Net n = net(features, width);
    for (DType dtype : {DType::float32, DType::float64}) {
      for (const OptimizerSettings& o :
           {at_rate(0.05, sgd(0.9)), at_rate(0.01, adam()).set("epsilon", 1e-4)}) {
        auto expected = std::make_shared<Model>(n.graph, DType::float64, 5);
        auto model = std::make_shared<Model>(n.graph, dtype, 5, engine);
        const std::vector<double> before = parameters(*model);
        Trainer by_cpu(expected, n.loss, o), by_cuda(model, n.loss, o);
        for (Trainer* trainer : {&by_cpu, &by_cuda}) {
          trainer->bind(*data, 20);
          CHECK(trainer->fit(13, 100, 1e9) == 13);  // including a smaller batch
        }
        const double most = dtype == DType::float64 ? 1e-9 : 1e-4;
        const double error = distance(parameters(*model), parameters(*expected));
        if (!(error <= most)) {
          fail(name_of(dtype), static_cast<int>(width), message(name_of(o.kind()), ": error ", error));
        }
        CHECK(distance(parameters(*model), before) > 0.01);
      }
    }
  }
}

// With the same parameters, networks with and without dropout have the same bits outside training.
TEST(dropout_is_the_identity_in_evaluations_and_predictions) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (Backend* backend : {&cpu_backend(), &engine}) {
    const Net n = net(features, 12, 0.8), plain = net(features, 12, 0);
    auto a = std::make_shared<Model>(n.graph, DType::float32, 5, *backend);
    auto b = std::make_shared<Model>(plain.graph, DType::float32, 5, *backend);
    CHECK(parameters(*a) == parameters(*b));
    Trainer with(a, n.loss, at_rate(0, sgd())), without(b, plain.loss, at_rate(0, sgd()));
    for (Trainer* trainer : {&with, &without}) fill<float>(trainer->inputs(), 40);
    const double loss = without.evaluate(40);
    CHECK(with.evaluate(40) == loss);
    CHECK_NEAR(without.step(40), loss, 1e-6);
    CHECK(std::abs(with.step(40) - loss) > 1e-3);
    CHECK(with.evaluate(40) == loss);
    std::vector<float> outputs[2];
    for (int i = 0; i < 2; ++i) {
      Predictor predictor(i == 0 ? a : b, {n.second});
      const std::unique_ptr<Workspace> workspace = predictor.workspace();
      fill<float>(workspace->inputs(), 40);
      const float* values = reinterpret_cast<float*>(workspace->reserve_output(0, 40));
      predictor.set_checking(i == 0);
      predictor.predict(*workspace, 40);
      outputs[i].assign(values, values + 40 * 12);
    }
    CHECK(same_bits(outputs[0], outputs[1]));
  }
}

// Gradients, statistics and the checking mode of step k drop the same elements as step k. With SGD at a learning rate
// of 0.1 a parameter changes by 0.1 times its gradient.
TEST(dropout_is_the_same_in_steps_gradients_statistics_and_checking) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  constexpr int64_t batch = 20;
  for (Backend* backend : {&cpu_backend(), &engine}) {
    const Net n = net(features, 12);
    auto model = std::make_shared<Model>(n.graph, DType::float64, 5, *backend);
    auto checked = std::make_shared<Model>(n.graph, DType::float64, 5, *backend);
    Trainer trainer(model, n.loss, at_rate(0.1, sgd())), checking(checked, n.loss, at_rate(0.1, sgd()));
    checking.set_checking(true);
    for (Trainer* one : {&trainer, &checking}) fill<double>(one->inputs(), batch);
    std::vector<double> losses;
    for (int64_t step = 0; step < 4; ++step) {
      Gradients gradients(model, n.loss);
      fill<double>(gradients.inputs(), batch);
      gradients.set_steps_before(step);
      const double loss = gradients.compute(batch);
      std::vector<double> gradient;
      for (int32_t id : n.graph.parameters()) {
        std::vector<double> one(at(n.graph.node(id).shape.elements()));
        gradients.read(id, one.data(), static_cast<int64_t>(one.size()));
        gradient.insert(gradient.end(), one.begin(), one.end());
      }
      const std::vector<NodeStatistics> statistics = gradients.statistics(batch);
      gradients.set_steps_before(step + 1);
      CHECK(gradients.compute(batch) != loss);  // the next step drops other elements
      const std::vector<double> before = parameters(*model);
      CHECK(trainer.step(batch) == loss);
      CHECK(checking.step(batch) == loss);
      const std::vector<double> after = parameters(*model);
      for (size_t i = 0; i < before.size(); ++i) CHECK_NEAR(before[i] - after[i], 0.1 * gradient[i], 1e-14);
      CHECK(parameters(*checked) == after);
      losses.push_back(loss);
      for (const NodeStatistics& s : statistics) {
        if (s.node == n.loss) CHECK(s.mean == loss);
      }
    }
    CHECK(losses[0] != losses[1]);
  }
}

TEST(dropout_continues_in_a_resumed_training) {
  const Folder folder;
  const std::string file = folder / "trainer.safetensors";
  const auto data = dataset();
  const Net n = net(features, 12, 0.37);
  for (DType dtype : {DType::float32, DType::float64}) {
    auto whole = std::make_shared<Model>(n.graph, dtype, 5),
         half = std::make_shared<Model>(n.graph, dtype, 5);
    Trainer trainer(whole, n.loss, at_rate(0.01, adam())), first(half, n.loss, at_rate(0.01, adam()));
    trainer.bind(*data, 20);
    trainer.fit(17, 100, 1e9);
    first.bind(*data, 20);
    first.fit(8, 100, 1e9);
    save_trainer(first, file);
    const std::shared_ptr<Model> loaded = load_model(file);
    CHECK(loaded->graph().node(n.first).op == Op::dropout && loaded->graph().node(n.first).constant == 0.37);
    const std::unique_ptr<Trainer> resumed = load_trainer(loaded, file);
    resumed->bind(*data, 20);
    resumed->fit(9, 100, 1e9);
    CHECK(parameters(*loaded) == parameters(*whole));
    CHECK(resumed->progress().last_loss == trainer.progress().last_loss);
  }
}

TEST(dropout_refuses_a_rate_that_is_1_as_a_float) {
  const Net n = net(features, 4, 1 - 1e-12);
  CHECK_THROWS(require_numbers(n.graph, DType::float32),
               "is 1 as a float, but must be at least 0 and less than 1");
  require_numbers(n.graph, DType::float64);
}
