// Tests that need an emulated device: no result depends on the order of threads, the number of launches, and what
// happens when device memory runs out.
#include "cuda/emulated/emulation.h"

#include <vector>

#include "backend/cuda/library.h"
#include "cases.h"
#include "cuda/engines.h"
#include "cuda/workloads.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

GraphCase classifier() {
  Builder b;
  const int32_t x = b.input(20), logits = b.layer(b.op(Op::relu, {b.layer(x, 40)}), 10);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.label(10)});
  return {"classifier", std::move(b.graph), loss};
}

}  // namespace

TEST(cuda_emulated_results_do_not_depend_on_the_order_of_threads) {
  Backend& engine = *cuda_engine(CudaPrecision::bfloat16);
  std::vector<GraphCase> cases = composite_cases();
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op)) cases.push_back(std::move(c));
  }
  for (Op loss : {Op::softmax_cross_entropy, Op::mean_squared_error}) {
    Workload narrow = workload("narrow", {20, 40, 33, 5}, Op::gelu, loss, 70);
    Workload wide = workload("wide", {20, 140, 5}, Op::sigmoid, loss, 70);
    cases.push_back({narrow.name, std::move(narrow.graph), narrow.loss});
    cases.push_back({wide.name, std::move(wide.graph), wide.loss});
  }
  for (const GraphCase& c : cases) {
    PlanRequest request;
    request.batch = 70;
    request.loss = c.loss;
    request.backward = true;
    const Values values = random_values(c.graph, request.batch, 3);
    PlanRun<float> forwards(c.graph, request, values, engine), backwards(c.graph, request, values, engine);
    const double loss = forwards.step();
    emulate_backwards(true);
    const double other = backwards.step();
    emulate_backwards(false);
    if (loss != other) fail(c.name.c_str(), 0, message("the losses are ", loss, " and ", other));
    for (int32_t id : c.graph.parameters()) {
      if (!same_bits(forwards.gradient(id), backwards.gradient(id))) {
        fail(c.name.c_str(), id, "the gradient depends on the order of threads");
      }
    }
  }
}

TEST(cuda_emulated_a_captured_step_is_one_launch) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  const GraphCase c = classifier();
  PlanRequest request;
  request.batch = 16;
  request.loss = c.loss;
  request.backward = request.update = true;
  request.optimizer = adam();
  PlanRun<float> run(c.graph, request, random_values(c.graph, 16, 3), engine);
  run.update = scalars(adam(), 1, 0.01, 0.99);
  take_emulated_launches();
  run.step();
  const EmulatedLaunches first = take_emulated_launches();
  CHECK(first.graphs == 0 && first.kernels > 1);
  for (int i = 0; i < 3; ++i) {
    run.update.settings[0] *= 0.5;  // the learning rate
    run.step();
    const EmulatedLaunches next = take_emulated_launches();
    CHECK(next.graphs == 1 && next.kernels == 0);
  }
}

// A step has one launch per phase, and another one that checks the loss. They can be counted in the first step, which
// is not a graph.
TEST(cuda_emulated_a_step_has_one_launch_per_phase_and_one_for_the_loss) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  for (const Workload& w : workloads()) {
    if (w.name != "tiny" && w.name != "regress" && w.name != "mnist-s" && w.name != "deep") continue;
    PlanRequest request;
    request.batch = w.batch;
    request.loss = w.loss;
    request.backward = request.update = true;
    PlanRun<float> run(w.graph, request, random_values(w.graph, w.batch, 3), engine);
    take_emulated_launches();
    CHECK(std::isfinite(run.step()));
    const int64_t launches = take_emulated_launches().kernels;
    const int64_t phases = static_cast<int64_t>(run.plan().program.phases.size());
    if (launches != phases + 1)
      fail(w.name.c_str(), 0, message(launches, " launches for ", phases, " phases"));
  }
}

// The error names the numbers of bytes, and the engine works again when there is memory.
TEST(cuda_emulated_engines_work_again_after_memory_ran_out) {
  Backend& engine = *cuda_engine(CudaPrecision::float32);
  const GraphCase c = classifier();
  PlanRequest request;
  request.batch = 16;
  request.loss = c.loss;
  request.backward = true;
  const Values values = random_values(c.graph, 16, 3);
  const int64_t before = emulated_bytes();
  {
    PlanRun<float> run(c.graph, request, values, engine);
    const double loss = run.step();
    limit_emulated_bytes(emulated_bytes() + 1000);
    CHECK_THROWS(engine.allocate(5000), "out of device memory: 5000 bytes were needed, and 1000 of");
    request.batch = 300;
    CHECK_THROWS(PlanRun<float>(c.graph, request, random_values(c.graph, 300, 3), engine),
                 "out of device memory");
    CHECK(run.step() == loss);
    limit_emulated_bytes(int64_t{1} << 34);
    CHECK(run.step() == loss);
  }
  CHECK(emulated_bytes() == before);
}
