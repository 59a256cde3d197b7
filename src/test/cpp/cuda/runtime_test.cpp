// Models, trainers and predictors on the CUDA engine: whole trainings compared with the CPU in double, data sets on the
// device, files, snapshots and threads.
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "cuda/compare.h"
#include "cuda/engines.h"
#include "files/model_file.h"
#include "graph_builder.h"
#include "harness.h"
#include "io/folder.h"
#include "ops/custom.h"
#include "optimizers.h"
#include "runtime/inspection.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "tools/gradients.h"
#include "util/random.h"

using namespace test;

namespace {

constexpr int64_t features = 12, classes = 5, examples = 150;

struct Net {
  Graph graph;
  int32_t loss, logits, probabilities;
};

Net classifier() {
  Builder b;
  const int32_t x = b.input(features, "x");
  const int32_t hidden = b.op(Op::gelu, {b.layer(b.op(Op::relu, {b.layer(x, 24)}), 17)});
  const int32_t logits = b.layer(hidden, classes), probabilities = b.op(Op::softmax, {logits});
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.graph.label("label", classes)});
  return {std::move(b.graph), loss, logits, probabilities};
}

double value_at(int64_t example, int64_t feature) {
  return 2 * random_uniform(7, static_cast<uint64_t>(example), static_cast<uint64_t>(feature)) - 1;
}
int32_t label_of(int64_t example) {
  double sum = 0;
  for (int64_t f = 0; f < features; ++f) sum += value_at(example, f) * static_cast<double>(f % 3 + 1);
  return static_cast<int32_t>(std::abs(static_cast<int64_t>(sum * 3))) % classes;
}

// Returns a data set with columns of float or double. The type may differ from the model's.
std::unique_ptr<Dataset> dataset(ColumnType type) {
  auto data = std::make_unique<Dataset>(examples);
  char* x = data->add_column("x", type, features);
  int32_t* labels = reinterpret_cast<int32_t*>(data->add_column("label", ColumnType::label, 1));
  for (int64_t i = 0; i < examples; ++i) {
    for (int64_t f = 0; f < features; ++f) {
      const float value = static_cast<float>(value_at(i, f));
      if (type == ColumnType::float32) {
        reinterpret_cast<float*>(x)[i * features + f] = value;
      } else {
        reinterpret_cast<double*>(x)[i * features + f] = static_cast<double>(value);
      }
    }
    labels[i] = label_of(i);
  }
  return data;
}

template <class T>
void fill(Inputs& inputs, int64_t batch, int64_t first = 0) {
  T* x = reinterpret_cast<T*>(inputs.reserve(0, batch));
  int32_t* labels = inputs.slots() > 1 ? reinterpret_cast<int32_t*>(inputs.reserve(1, batch)) : nullptr;
  for (int64_t i = 0; i < batch; ++i) {
    for (int64_t f = 0; f < features; ++f) x[i * features + f] = static_cast<T>(value_at(first + i, f));
    if (labels != nullptr) labels[i] = label_of(first + i);
  }
}

const OptimizerSettings with_adam = at_rate(5e-3, adam()).set("epsilon", 1e-4);
OptimizerSettings with_sgd(double momentum) { return at_rate(0.1, sgd(momentum)); }

std::vector<double> parameters(const Model& model) {
  std::vector<double> all;
  for (int32_t id : model.graph().parameters()) {
    std::vector<double> one(static_cast<size_t>(model.graph().node(id).shape.elements()));
    model.read_parameter(id, one.data(), static_cast<int64_t>(one.size()));
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

}  // namespace

// Both engines begin with the same seed and train for 4 shuffled epochs. The last batch of an epoch is smaller.
TEST(cuda_trainings_agree_with_the_cpu) {
  for (auto [precision, tolerance] : {std::pair(CudaPrecision::float32, 1e-4),
                                      {CudaPrecision::tf32, 5e-3},
                                      {CudaPrecision::bfloat16, 3e-2}}) {
    CUDA_ENGINE_OR_SKIP(engine, precision);
    const Net net = classifier();
    for (const OptimizerSettings& o : {with_sgd(0), with_sgd(0.9), with_adam}) {
      for (DType dtype : {DType::float32, DType::float64}) {
        auto expected = std::make_shared<Model>(net.graph, DType::float64, 5);
        auto model = std::make_shared<Model>(net.graph, dtype, 5, engine);
        const std::vector<double> before = parameters(*model);
        Trainer by_cpu(expected, net.loss, o), by_cuda(model, net.loss, o);
        const auto doubles = dataset(ColumnType::float64), floats = dataset(ColumnType::float32);
        by_cpu.bind(*doubles, 40);
        by_cuda.bind(dtype == DType::float32 ? *doubles : *floats, 40);  // the columns are converted
        CHECK(by_cpu.fit(100, 4, 1e9) == 16);
        CHECK(by_cuda.fit(100, 4, 1e9) == 16);
        const double most = dtype == DType::float64 ? 1e-9 : tolerance;
        CHECK_NEAR(by_cuda.running_loss(), by_cpu.running_loss(), most);
        CHECK_NEAR(distance(parameters(*model), parameters(*expected)), 0, most);
        CHECK(distance(parameters(*model), before) >
              most);  // training moved the parameters further than that
      }
    }
  }
}

TEST(cuda_steps_from_memory_of_the_callers_agree_with_steps_from_the_device) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Net net = classifier();
  auto a = std::make_shared<Model>(net.graph, DType::float32, 5, engine);
  auto b = std::make_shared<Model>(net.graph, DType::float32, 5, engine);
  Trainer resident(a, net.loss, with_adam), stepping(b, net.loss, with_adam);
  const auto data = dataset(ColumnType::float32);
  resident.bind(*data, 50);
  resident.shuffle(false, 0);
  for (int step = 0; step < 3; ++step) {
    fill<float>(stepping.inputs(), 50, 50 * step);
    const double loss = stepping.step(50);
    CHECK(resident.fit(1, 10, 1e9) == 1);
    CHECK(resident.progress().last_loss == loss);
  }
  CHECK(parameters(*a) == parameters(*b));
  // bound again, and then another data set: the device must have the right one
  resident.bind(*data, 50);
  const auto other = dataset(ColumnType::float64);
  resident.bind(*other, 50);
  fill<float>(stepping.inputs(), 50, 0);
  const double loss = stepping.step(50);
  resident.fit(1, 10, 1e9);
  CHECK(resident.progress().last_loss == loss);
}

TEST(cuda_gradients_evaluation_and_inspection_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Net net = classifier();
  auto expected = std::make_shared<Model>(net.graph, DType::float64, 5);
  auto model = std::make_shared<Model>(net.graph, DType::float64, 5, engine);
  Trainer by_cpu(expected, net.loss, with_adam), by_cuda(model, net.loss, with_adam);
  Gradients cpu_gradients(expected, net.loss), cuda_gradients(model, net.loss);
  for (int64_t batch :
       {30, 70, 30, 30}) {  // memory grows, then the plan of 30 returns and must use the new addresses
    fill<double>(by_cpu.inputs(), batch);
    fill<double>(by_cuda.inputs(), batch);
    CHECK_NEAR(by_cuda.evaluate(batch), by_cpu.evaluate(batch), 1e-12);
    fill<double>(cpu_gradients.inputs(), batch);
    fill<double>(cuda_gradients.inputs(), batch);
    CHECK_NEAR(cuda_gradients.compute(batch), cpu_gradients.compute(batch), 1e-12);
    for (int32_t id = 0; id < net.graph.size(); ++id) {
      const Node& node = net.graph.node(id);
      if (node.op != Op::parameter && node.op != Op::input) continue;
      const int64_t count = node.op == Op::input ? batch * node.shape.rows : node.shape.elements();
      std::vector<double> a(static_cast<size_t>(count)), b(a.size());
      cuda_gradients.read(id, a.data(), count);
      cpu_gradients.read(id, b.data(), count);
      CHECK_NEAR(distance(a, b), 0, 1e-10);
    }
    CHECK_NEAR(by_cuda.step(batch), by_cpu.step(batch), 1e-10);
  }
  Inspection inspection(model, {net.logits}, -1);
  Inputs inputs(model);
  fill<double>(inputs, 9);
  inspection.run("inspecting", inputs, 0, 9, 0);
  CHECK(inspection.value(net.logits) != nullptr && !inspection.first_fault().found);
  CHECK(by_cuda.profile(30, 2).find("the products alone take") != std::string::npos);
}

TEST(cuda_a_batch_with_a_non_finite_loss_is_refused) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Net net = classifier();
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5, engine);
  Trainer trainer(model, net.loss, with_sgd(0));
  for (int i = 0; i < 3; ++i) {
    fill<float>(trainer.inputs(), 20);
    const std::vector<double> before = parameters(*model);
    reinterpret_cast<float*>(trainer.inputs().reserve(0, 20))[17] = NAN;
    CHECK_THROWS(trainer.step(20), "no parameter was changed");
    CHECK(parameters(*model) == before);
    fill<float>(trainer.inputs(), 20);
    trainer.step(20);
    CHECK(parameters(*model) != before);
  }
  CHECK(trainer.progress().steps == 3);
}

TEST(cuda_models_and_trainers_are_saved_and_loaded) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Folder folder;
  const std::string path = folder / "trainer.safetensors";
  const Net net = classifier();
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5, engine);
  Trainer trainer(model, net.loss, with_adam);
  const auto data = dataset(ColumnType::float32);
  trainer.bind(*data, 40);
  trainer.fit(6, 10, 1e9);
  save_trainer(trainer, path);
  const std::shared_ptr<Model> snapshot = model->snapshot();
  // resumed on the device, training continues with the same bits; loaded on the CPU, the model is the same
  auto loaded = load_model(path, engine);
  auto resumed = load_trainer(loaded, path);
  auto on_cpu = load_model(path);
  CHECK(parameters(*loaded) == parameters(*model));
  CHECK(parameters(*on_cpu) == parameters(*model));
  resumed->bind(*data, 40);
  trainer.fit(5, 10, 1e9);
  resumed->fit(5, 10, 1e9);
  CHECK(parameters(*loaded) == parameters(*model));
  CHECK(parameters(*snapshot) == parameters(*on_cpu));
  const int32_t w = net.graph.parameters()[0];
  std::vector<float> values(static_cast<size_t>(net.graph.node(w).shape.elements()), 0.25f),
      read(values.size());
  snapshot->write_parameter(w, values.data(), static_cast<int64_t>(values.size()));
  snapshot->read_parameter(w, read.data(), static_cast<int64_t>(read.size()));
  CHECK(read == values);
}

TEST(cuda_predictions_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Net net = classifier();
  auto expected = std::make_shared<Model>(net.graph, DType::float32, 5);
  auto model = std::make_shared<Model>(net.graph, DType::float32, 5, engine);
  Predictor by_cpu(expected, {net.probabilities, net.logits}),
      by_cuda(model, {net.probabilities, net.logits});
  const auto a = by_cuda.workspace(), b = by_cpu.workspace();
  for (int64_t batch : {1, 5, 1500, 5, 1500, 1}) {  // 1500 samples are two chunks
    for (Workspace* workspace : {a.get(), b.get()}) {
      fill<float>(workspace->inputs(), batch);
      workspace->reserve_output(0, batch), workspace->reserve_output(1, batch);
    }
    by_cuda.predict(*a, batch);
    by_cpu.predict(*b, batch);
    for (int32_t output : {0, 1}) {
      const float* got = reinterpret_cast<const float*>(a->reserve_output(output, batch));
      const float* want = reinterpret_cast<const float*>(b->reserve_output(output, batch));
      double worst = 0;
      for (int64_t i = 0; i < batch * classes; ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - static_cast<double>(want[i]));
        if (!(error <= worst)) worst = error;
      }
      CHECK_NEAR(worst, 0, 2e-5);
    }
  }
}

// Each thread predicts on its own stream while a trainer runs. Every prediction uses one state of the parameters, so
// the logits and the doubled logits agree.
TEST(cuda_threads_predict_while_a_trainer_steps) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Net net = classifier();
  Builder b;
  b.graph = net.graph;
  const int32_t doubled = b.op(Op::scale, {net.logits}, 2);
  auto model = std::make_shared<Model>(b.graph, DType::float32, 5, engine);
  Trainer trainer(model, net.loss, with_sgd(0.5));
  Predictor predictor(model, {net.logits, doubled});
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0}, predictions{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&, i] {
      const int64_t batch = 3 + 20 * i;
      const auto workspace = predictor.workspace();
      fill<float>(workspace->inputs(), batch);
      const float* once = reinterpret_cast<const float*>(workspace->reserve_output(0, batch));
      const float* twice = reinterpret_cast<const float*>(workspace->reserve_output(1, batch));
      do {
        predictor.predict(*workspace, batch);
        for (int64_t k = 0; k < batch * classes; ++k) {
          if (!(twice[k] == 2 * once[k])) ++wrong;
        }
        ++predictions;
      } while (!done);
    });
  }
  fill<float>(trainer.inputs(), 30);
  for (int step = 0; step < 20; ++step) trainer.step(30);
  done = true;
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
  CHECK(predictions >= 3);
}

namespace {

// a = z³, computed on the CPU.
bool cube(int32_t, bool backward, int64_t count, const double* delta, const double* z, const double*,
          double* result) {
  for (int64_t i = 0; i < count; ++i) result[i] = backward ? 3 * z[i] * z[i] * delta[i] : z[i] * z[i] * z[i];
  return true;
}

}  // namespace

TEST(cuda_custom_operations_run_on_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  set_custom_host(cube);
  register_custom("cube");
  Builder b;
  const int32_t x = b.input(features, "x");
  Node node;
  node.op = Op::custom;
  node.custom = "cube";
  node.inputs = {b.layer(x, 9)};
  const int32_t cubed = b.graph.add(std::move(node));
  const int32_t loss =
      b.op(Op::softmax_cross_entropy, {b.layer(cubed, classes), b.graph.label("label", classes)});
  auto expected = std::make_shared<Model>(b.graph, DType::float64, 5);
  auto model = std::make_shared<Model>(b.graph, DType::float64, 5, engine);
  Trainer by_cpu(expected, loss, with_sgd(0.9)), by_cuda(model, loss, with_sgd(0.9));
  const auto data = dataset(ColumnType::float64);
  by_cpu.bind(*data, 40);
  by_cuda.bind(*data, 40);
  by_cpu.fit(9, 10, 1e9);
  by_cuda.fit(9, 10, 1e9);
  CHECK_NEAR(distance(parameters(*model), parameters(*expected)), 0, 1e-10);
  set_custom_host(nullptr);
}
