// Each factor of products is converted to bfloat16 once, and no product reads a copy that is older than its factor.
// This must hold for runs of any phases, and after other programs have used the same stream.
#include <memory>
#include <vector>

#include "cases.h"
#include "cuda/engines.h"
#include "graph/backward.h"
#include "harness.h"
#include "plan_run.h"
#include "random_graph.h"
#include "runtime/model.h"
#include "runtime/plan_runner.h"

using namespace test;

namespace {

std::vector<GraphCase> cases_with_products() {
  std::vector<GraphCase> cases = composite_cases();
  for (Op op : {Op::linear, Op::matmul}) {
    for (GraphCase& c : cases_of(op)) cases.push_back(std::move(c));
  }
  for (uint64_t seed = 1; seed <= 60; ++seed) cases.push_back(random_graph(seed));
  // layers of one width, whose δ alternate in the same memory
  Builder b;
  int32_t a = b.input(10);
  for (int i = 0; i < 6; ++i) a = b.op(Op::sigmoid, {b.layer(a, 10)});
  const int32_t loss = b.op(Op::squared_error, {a, b.target(10)});
  cases.push_back({"six layers of one width", std::move(b.graph), loss});
  return cases;
}

bool trains(const Graph& graph, int32_t loss) {
  const std::vector<bool> reached = needs_delta(graph, loss, graph.parameters());
  return reached[at(loss)];
}

// Runs every phase separately, so that every product converts its factors itself.
void step_by_phases(PlanRun<float>& run) {
  run.poison_all();
  const int32_t phases = static_cast<int32_t>(run.plan().program.phases.size());
  for (int32_t p = 0; p < phases; ++p) run.run(p, p + 1);
}

}  // namespace

TEST(cuda_shared_bfloat16_copies_give_the_same_bits_as_conversions_per_product) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::bfloat16);
  const std::vector<OptimizerSettings> rules = {sgd(0, false, 0.1), sgd(0.9), adam()};
  int compared = 0;
  for (const GraphCase& c : cases_with_products()) {
    if (!trains(c.graph, c.loss)) continue;
    const Values values = random_values(c.graph, 9, 5);
    for (const OptimizerSettings& rule : rules) {
      PlanRun<float> whole(c.graph, training(c.loss, 9, rule), values, engine),
          phases(c.graph, training(c.loss, 9, rule), values, engine);
      whole.update = phases.update = scalars(rule, 1, 0.05, 0.99, 1e-3);
      for (int step = 0; step < 3; ++step) {
        const double loss = whole.step();
        if (!std::isfinite(loss)) break;
        step_by_phases(phases);
        if (loss != phases.loss())
          fail(c.name.c_str(), step, message("the losses are ", loss, " and ", phases.loss()));
        for (int32_t id : c.graph.parameters()) {
          if (!same_bits(whole.parameter(id), phases.parameter(id))) {
            fail(c.name.c_str(), step, "after an update these differ: " + c.graph.describe(id));
          }
        }
        ++compared;
      }
    }
  }
  CHECK(compared > 400);
}

// Without a backward pass, activations reuse each other's memory.
TEST(cuda_bfloat16_predictions_read_no_outdated_copies) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::bfloat16);
  for (const GraphCase& c : cases_with_products()) {
    PlanRequest request;
    request.batch = 9;
    request.outputs = {c.loss};
    const Values values = random_values(c.graph, 9, 5);
    PlanRun<float> whole(c.graph, request, values, engine), phases(c.graph, request, values, engine);
    whole.forward();
    step_by_phases(phases);
    if (!same_bits(whole.output(0), phases.output(0))) fail(c.name.c_str(), 0, "the prediction differs");
  }
}

// A second run begins at each phase in turn. Before it, another program on the same stream overwrites all copies.
TEST(cuda_runs_from_the_middle_convert_what_they_read) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::bfloat16);
  const std::unique_ptr<Stream> stream = engine.make_stream();
  const auto on_stream = [&](PlanRun<float>& run, int32_t first, int32_t last) {
    Context context = run.context();
    context.stream = stream.get();
    engine.run(run.plan().program, context, first, last);
  };
  Builder b;
  const int32_t deep = b.layer(b.op(Op::tanh, {b.layer(b.input(30), 90)}), 90);
  const GraphCase other{"other", b.graph, b.op(Op::squared_error, {deep, b.target(90)})};
  for (const GraphCase& c : composite_cases()) {
    if (!trains(c.graph, c.loss)) continue;
    const Values values = random_values(c.graph, 9, 5);
    PlanRequest request;
    request.batch = 9;
    request.loss = c.loss;
    request.backward = true;
    PlanRun<float> expected(c.graph, request, values, engine);
    CHECK(std::isfinite(expected.step()));
    PlanRequest others = training(other.loss, 40);
    others.update = false;
    PlanRun<float> between(b.graph, others, random_values(b.graph, 40, 6), engine);
    const int32_t last_of_other = static_cast<int32_t>(between.plan().program.phases.size());
    PlanRun<float> run(c.graph, request, values, engine);
    const int32_t last = static_cast<int32_t>(run.plan().program.phases.size());
    for (int32_t middle = 1; middle < last; ++middle) {
      run.poison_all();
      on_stream(run, 0, middle);
      between.poison_all();
      on_stream(between, 0, last_of_other);
      on_stream(run, middle, last);
      for (int32_t id : c.graph.parameters()) {
        if (!same_bits(run.gradient(id), expected.gradient(id))) {
          fail(c.name.c_str(), middle, "begun at this phase, these differ: d " + c.graph.describe(id));
        }
      }
    }
  }
}

// Like a Jacobian: one forward pass, then a backward pass for each of several δ.
TEST(cuda_bfloat16_backward_passes_from_several_seeds_agree_with_single_ones) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::bfloat16);
  constexpr int64_t batch = 6, features = 5, outputs = 3;
  Builder b;
  const int32_t x = b.input(features);
  const int32_t z = b.layer(b.op(Op::tanh, {b.layer(b.op(Op::tanh, {b.layer(x, 7)}), 4)}), outputs);
  const auto model = std::make_shared<Model>(b.graph, DType::float32, 5, engine);
  PlanRequest request;
  request.batch = batch;
  request.loss = z;
  request.backward = request.seeded = true;
  request.deltas = {x};
  std::vector<float> samples(batch * features);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = 0.1f * static_cast<float>(i % 13) - 0.6f;
  const auto pass = [&](PlanRunner& runner, int64_t seed) {
    std::vector<float> seeds(batch * outputs, 0.0f);
    seeds[static_cast<size_t>(seed)] = 1;
    void* addresses[] = {samples.data(), seeds.data()};
    runner.backward(addresses);
    const float* d = reinterpret_cast<const float*>(runner.delta(0));
    return std::vector<float>(d, d + batch * features);
  };
  std::vector<float> no_seed(batch * outputs, 0.0f);
  void* addresses[] = {samples.data(), no_seed.data()};
  PlanRunner again(model, request);
  again.forward(addresses);
  for (int64_t seed = 0; seed < batch * outputs; ++seed) {
    PlanRunner once(model, request);
    once.forward(addresses);
    const std::vector<float> expected = pass(once, seed);
    CHECK(expected != std::vector<float>(expected.size(), 0.0f));
    CHECK(same_bits(pass(again, seed), expected));
  }
}
