// Where the tile kernel's instructions are stored: in a kernel parameter on devices that pass large parameters
// everywhere, in memory on the others.
#include "backend/cuda/probe.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/device.h"
#include "backend/cuda/proxy.h"
#include "cuda/emulated/emulation.h"
#include "cuda/engines.h"
#include "cuda/variable.h"
#include "cuda/workloads.h"
#include "harness.h"
#include "plan_run.h"
#include "runtime/trainer.h"
#include "util/random.h"

using namespace test;

namespace {

const LargeParameters ways_to_fail[] = {LargeParameters::refused, LargeParameters::cut_off,
                                        LargeParameters::lost};

// Sets what happens to large parameters, until the end of the scope.
struct Emulated {
  explicit Emulated(LargeParameters how) { emulate_large_parameters(how); }
  Emulated(const Emulated&) = delete;
  Emulated& operator=(const Emulated&) = delete;
  ~Emulated() { emulate_large_parameters(LargeParameters::arrive); }
};

std::unique_ptr<Backend> opened() { return open_cuda_engine(cuda_library(), 0, CudaPrecision::float32); }
std::unique_ptr<Backend> opened_with(const char* large_parameters) {
  const EnvironmentVariable variable("CHAINRULE_CUDA_LARGE_PARAMETERS", large_parameters);
  return opened();
}

Workload narrow(int64_t batch) {
  return workload("narrow", {3, 8, 5, 2}, Op::sigmoid, Op::mean_squared_error, batch);
}

bool instructions_are_in_memory(Backend& engine) {
  const Workload w = narrow(70);
  const std::string text = print_plan(make_plan(w.graph, training(w.loss, w.batch), engine));
  const bool in_memory = text.find("[tile kernel, instructions in memory]") != std::string::npos;
  CHECK(in_memory != (text.find("[tile kernel]") != std::string::npos));
  return in_memory;
}

// Returns the parameters after some steps. The first launches kernels one by one, the second captures a graph, the
// others replay it.
std::vector<std::vector<float>> trained(Backend& engine, int64_t batch) {
  const Workload w = narrow(batch);
  PlanRun<float> run(w.graph, training(w.loss, w.batch), random_values(w.graph, w.batch, 3), engine);
  run.update = scalars(sgd(), 1, 0.1);
  for (int i = 0; i < 4; ++i) CHECK(std::isfinite(run.step()));
  std::vector<std::vector<float>> all;
  for (int32_t id : w.graph.parameters()) all.push_back(run.parameter(id));
  return all;
}

}  // namespace

TEST(cuda_emulated_the_probe_detects_large_parameters_that_do_not_arrive) {
  cuda::use(0);
  const int64_t bytes = emulated_bytes();
  CHECK(cuda::large_parameters_work(0));
  for (LargeParameters how : ways_to_fail) {
    const Emulated emulated(how);
    CHECK(!cuda::large_parameters_work(0));
    CHECK(emulated_work_waiting() == 0 && emulated_bytes() == bytes);
  }
  CHECK(cuda::large_parameters_work(0));
  fail_emulated_launch(0);  // any error counts as a failure, and no capture stays open
  CHECK(!cuda::large_parameters_work(0));
  fail_emulated_launch(1);
  CHECK(!cuda::large_parameters_work(0));
  fail_emulated_launch(-1);
}

TEST(cuda_emulated_engines_use_large_parameters_only_if_the_probe_succeeds) {
  CHECK(!instructions_are_in_memory(*opened()));
  for (int64_t batch : {20, 200}) {
    const auto expected = trained(*opened(), batch);
    for (LargeParameters how : ways_to_fail) {
      const Emulated emulated(how);
      const auto engine = opened();
      CHECK(instructions_are_in_memory(*engine));
      CHECK(trained(*engine, batch) == expected);
    }
    CHECK(trained(*opened_with("0"), batch) == expected);
  }
}

TEST(cuda_emulated_an_environment_variable_overrides_the_probe) {
  CHECK(instructions_are_in_memory(*opened_with("0")));
  CHECK(!instructions_are_in_memory(*opened_with("1")));
  CHECK_THROWS(opened_with("no"), "expected CHAINRULE_CUDA_LARGE_PARAMETERS to be 0 or 1, but got 'no'");
  CHECK_THROWS(opened_with(""), "expected CHAINRULE_CUDA_LARGE_PARAMETERS to be 0 or 1, but got ''");
  const Emulated emulated(LargeParameters::refused);
  const auto engine = opened_with("1");
  CHECK(!instructions_are_in_memory(*engine));
  CHECK_THROWS(trained(*engine, 20), "bytes: invalid argument");
  const EnvironmentVariable variable("CHAINRULE_CUDA_GRAPHS", "0");
  const auto without_graphs = opened();
  CHECK(!instructions_are_in_memory(*without_graphs));  // without graphs nothing is conditional
  CHECK(trained(*without_graphs, 20).size() > 0);
}

// Memory that grows gets new addresses, there are two sets of inputs and a data set on the device, and graphs are used
// again. Each run must use a table of instructions with its own addresses.
TEST(cuda_emulated_tables_of_instructions_have_the_addresses_of_the_run) {
  constexpr int64_t features = 4, examples = 300;
  const auto in_memory = opened_with("0"), as_parameters = opened_with("1");
  auto data = std::make_unique<Dataset>(examples);
  float* x = reinterpret_cast<float*>(data->add_column("x", ColumnType::float32, features));
  float* y = reinterpret_cast<float*>(data->add_column("y", ColumnType::float32, 1));
  for (int64_t i = 0; i < examples * features; ++i) {
    x[i] = static_cast<float>(random_uniform(5, 1, static_cast<uint64_t>(i)));
  }
  for (int64_t i = 0; i < examples; ++i) y[i] = x[i * features] - x[i * features + 1];
  const auto train = [&](Backend& engine, bool streamed) {
    Builder b;
    const int32_t hidden = b.op(Op::tanh, {b.layer(b.input(features, "x"), 9)});
    const int32_t loss = b.op(Op::squared_error, {b.layer(hidden, 1), b.target(1, "y")});
    auto model = std::make_shared<Model>(std::move(b.graph), DType::float32, 5, engine);
    Trainer trainer(model, loss, at_rate(0.01, sgd()));
    std::vector<double> losses;
    for (int64_t batch : {20, 200, 20, 90, 200, 20}) {
      for (int step = 0; step < 3; ++step) {
        std::memcpy(trainer.inputs().reserve(0, batch), x, static_cast<size_t>(batch * features) * 4);
        std::memcpy(trainer.inputs().reserve(1, batch), y, static_cast<size_t>(batch) * 4);
        losses.push_back(trainer.step(batch));
      }
    }
    if (streamed) limit_emulated_bytes(emulated_bytes() + data->bytes());
    trainer.bind(*data, 20);
    limit_emulated_bytes(int64_t{1} << 34);
    CHECK(trainer.fit(40, 100, 1e9) == 40);
    losses.push_back(trainer.progress().last_loss);
    return losses;
  };
  for (bool streamed : {false, true}) {
    const std::vector<double> expected = train(*as_parameters, streamed);
    CHECK(expected.back() < expected.front());
    CHECK(train(*in_memory, streamed) == expected);
  }
}
