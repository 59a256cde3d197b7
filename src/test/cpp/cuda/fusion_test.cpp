// Phases of several steps on the CUDA engine: narrow layers on tiles of samples, an activation's rule together with the
// sums of its rows, and concurrent sums of parts. The tests compare them with the CPU engine in double, and with plans
// that have one phase per step.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/proxy.h"
#include "backend/cuda/tiles.h"
#include "cases.h"
#include "cuda/compare.h"
#include "cuda/engines.h"
#include "cuda/variable.h"
#include "cuda/workloads.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

const std::vector<OptimizerSettings> rules = {
    sgd(), sgd(0, false, 0.2), sgd(0.9), sgd(0.9, true, 0.2), adam(0.2), adamw(0.2), rmsprop(0.9, true, 0.2)};

// ε is large. With a small one, an update would divide the rounding error of a gradient near 0 by a number near 0.
UpdateScalars scalars(const OptimizerSettings& rule, int t) {
  return test::scalars(rule, t, 0.05 / t, 0.99, 1e-2);
}

// Returns random values. Weights are divided by the square root of their number of inputs, so that values do not grow
// from layer to layer.
Values values_for(const Workload& w, uint64_t seed) {
  Values values = random_values(w.graph, w.batch, seed);
  for (int32_t id : w.graph.parameters()) {
    const double inputs = static_cast<double>(w.graph.node(id).shape.columns);
    for (double& value : values[at(id)]) value /= std::sqrt(inputs);
  }
  return values;
}

// The tile kernel reads its instructions from a kernel parameter or from a table in memory. The engine returned here
// always uses a table. The results must have the same bits.
Backend& engine_with_instructions_in_memory() {
  static const std::unique_ptr<Backend> engine = [] {
    const EnvironmentVariable variable("CHAINRULE_CUDA_LARGE_PARAMETERS", "0");
    return open_cuda_engine(cuda_library(), 0, CudaPrecision::float32);
  }();
  return *engine;
}

template <class T>
void require_same(const Workload& w, const std::string& what, const std::vector<T>& a,
                  const std::vector<T>& b) {
  if (same_bits(a, b)) return;
  fail(w.name.c_str(), static_cast<int>(w.batch), what + " differs with the instructions in memory");
}

// Compares three training steps: the first launches kernels one by one, the second captures a graph, the third replays
// it.
template <class T>
void compare_training(Backend& engine, const Workload& w, const OptimizerSettings& rule, double tolerance) {
  const Values values = values_for(w, 5);
  const PlanRequest request = training(w.loss, w.batch, rule);
  PlanRun<double> expected(w.graph, request, values);
  PlanRun<T> run(w.graph, request, values, engine);
  PlanRun<T> from_memory(w.graph, request, values, engine_with_instructions_in_memory());
  for (int step = 1; step <= 3; ++step) {
    expected.update = run.update = from_memory.update = scalars(rule, step);
    const double loss = expected.step(), got = run.step();
    const double error = std::abs(got - loss) / std::max(1.0, std::abs(loss));
    if (!(error <= tolerance)) fail(w.name.c_str(), step, message("the loss has an error of ", error));
    CHECK(from_memory.step() == got);
  }
  for (int32_t id : w.graph.parameters()) {
    const double error = distance(run.parameter(id), expected.parameter(id));
    if (!(error <= tolerance)) {
      fail(w.name.c_str(), static_cast<int>(w.batch),
           message(w.graph.describe(id), " has an error of ", error));
    }
    require_same(w, w.graph.describe(id), run.parameter(id), from_memory.parameter(id));
  }
}

template <class T>
void compare_gradients(Backend& engine, const Workload& w, double tolerance) {
  PlanRequest request = training(w.loss, w.batch);
  request.update = false;
  const Values values = values_for(w, 6);
  PlanRun<double> expected(w.graph, request, values);
  PlanRun<T> run(w.graph, request, values, engine);
  PlanRun<T> from_memory(w.graph, request, values, engine_with_instructions_in_memory());
  const double loss = expected.step(), got = run.step();
  CHECK_NEAR(got, loss, tolerance * std::max(1.0, std::abs(loss)));
  CHECK(from_memory.step() == got);
  for (int32_t id = 0; id < w.graph.size(); ++id) {
    const Op op = w.graph.node(id).op;
    if (op != Op::parameter && op != Op::input) continue;
    const double error = distance(run.gradient(id), expected.gradient(id));
    if (!(error <= tolerance)) {
      fail(w.name.c_str(), static_cast<int>(w.batch),
           message("d ", w.graph.describe(id), " has an error of ", error));
    }
    require_same(w, "d " + w.graph.describe(id), run.gradient(id), from_memory.gradient(id));
  }
}

Plan plan_of(Backend& engine, const Workload& w, const OptimizerSettings& rule = {},
             DType dtype = DType::float32) {
  PlanRequest request = training(w.loss, w.batch, rule);
  request.dtype = dtype;
  return make_plan(w.graph, request, engine);
}

const std::vector<int64_t> batches = {1, 7, 31, 32, 33, 64, 100, 1001};

}  // namespace

TEST(cuda_narrow_networks_train_like_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t batch : batches) {
    for (const OptimizerSettings& rule : rules) {
      compare_training<float>(
          engine, workload("sigmoid", {3, 8, 5, 4}, Op::sigmoid, Op::softmax_cross_entropy, batch), rule,
          float_tolerance);
      compare_training<float>(engine,
                              workload("relu", {64, 64, 64, 3}, Op::relu, Op::mean_squared_error, batch),
                              rule, float_tolerance);
    }
  }
}

// There are more tiles than blocks, so each block runs several tiles in turn and adds to the parts of gradients that it
// has begun.
TEST(cuda_narrow_networks_with_tiles_in_turn_train_like_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const int64_t most = cuda::most_parts * cuda::tile_samples;
  for (int64_t batch : {most, most + 1, 2 * most + 77}) {
    const Workload w = workload("in turn", {2, 5, 1}, Op::tanh, Op::squared_error, batch);
    compare_training<float>(engine, w, rules[0], float_tolerance);
    compare_gradients<float>(engine, w, float_tolerance);
    const Plan plan = plan_of(engine, w);
    int64_t parts = 0;
    for (const Step& step : plan.program.steps) {
      if (step.kind == StepKind::product) parts = std::max(parts, step.parts);
    }
    CHECK(parts > 1 && parts <= cuda::most_parts);
  }
}

TEST(cuda_every_loss_and_activation_on_tiles) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t batch : {5, 75}) {
    for (int32_t i = 0; i < op_count; ++i) {
      const Op op = static_cast<Op>(i);
      if (kind_of(op) == Kind::unary && op != Op::log) {
        const Workload w = workload(name_of(op), {4, 6, 3, 2}, op, Op::squared_error, batch, constant_of(op));
        compare_gradients<float>(engine, w, float_tolerance);
      }
      if (kind_of(op) != Kind::loss) continue;
      for (bool labels : {false, true}) {
        if (labels && op != Op::softmax_cross_entropy && op != Op::negative_log_likelihood) continue;
        Builder b;
        const int32_t hidden = b.op(Op::tanh, {b.layer(b.input(4), 6)});
        int32_t f = b.layer(hidden, 3);
        if (op == Op::negative_log_likelihood || op == Op::binary_cross_entropy) f = b.op(Op::sigmoid, {f});
        const int32_t loss =
            b.op(op, {f, labels ? b.label(3) : b.target(3, "distribution")}, constant_of(op));
        const Workload w{std::string(name_of(op)) + (labels ? " of labels" : ""), std::move(b.graph), loss,
                         batch};
        compare_gradients<float>(engine, w, float_tolerance);
        compare_training<float>(engine, w, rules[0], float_tolerance);
      }
    }
  }
}

// Values that other phases need or that a tile must not overwrite while others read them.
TEST(cuda_values_with_several_uses_on_tiles) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t batch : {20, 90}) {
    std::vector<Workload> all;
    const auto add = [&](const char* name, auto build) {
      Builder b;
      const int32_t loss = build(b);
      all.push_back({name, std::move(b.graph), loss, batch});
    };
    add("a weight of two layers", [](Builder& b) {
      const int32_t w = b.parameter(6, 6), bias = b.parameter(6);
      int32_t a = b.input(6);
      for (int i = 0; i < 2; ++i) a = b.op(Op::sigmoid, {b.product(Op::linear, {a, w, bias})});
      return b.op(Op::mean_squared_error, {a, b.target(6)});
    });
    add("a tied autoencoder", [](Builder& b) {
      const int32_t x = b.input(9), w = b.parameter(4, 9);
      const int32_t code = b.op(Op::relu, {b.product(Op::linear, {x, w, b.parameter(4)})});
      return b.op(Op::mean_squared_error, {b.product(Op::linear, {code, w, b.parameter(9)}, true), x});
    });
    add("a value of two layers and two losses", [](Builder& b) {
      const int32_t x = b.input(5), a = b.op(Op::gelu, {b.layer(x, 7)}), y = b.target(3);
      const int32_t first = b.op(Op::huber, {b.layer(a, 3), y}, 0.7);
      const int32_t second = b.op(Op::softmax_cross_entropy, {b.layer(b.op(Op::relu, {a}), 4), b.label(4)});
      return b.op(Op::add, {first, b.op(Op::scale, {second}, 0.5)});
    });
    add("a weight that is computed, and decays", [](Builder& b) {
      const int32_t w = b.parameter(3, 5), computed = b.op(Op::tanh, {w});
      const int32_t f = b.product(Op::linear, {b.input(5), computed, b.parameter(3)});
      const int32_t loss = b.op(Op::squared_error, {f, b.target(3)});
      return b.op(Op::add, {loss, b.op(Op::scale, {b.op(Op::squared_norm, {w})}, 0.1)});
    });
    add("operations that do not run on tiles, between narrow layers", [](Builder& b) {
      const int32_t a = b.op(Op::softmax, {b.layer(b.input(5), 6)});
      const int32_t c = b.op(Op::multiply, {b.layer(a, 6), a});
      return b.op(Op::mean_squared_error, {b.layer(c, 2), b.target(2)});
    });
    add("a mean over the batch", [](Builder& b) {
      const int32_t a = b.product(Op::matmul, {b.input(5), b.parameter(6, 5)});
      const int32_t centred = b.op(Op::subtract, {a, b.op(Op::batch_mean, {a})});
      return b.op(Op::mean_squared_error, {b.layer(b.op(Op::tanh, {centred}), 2), b.target(2)});
    });
    add("wide layers below and above narrow ones", [](Builder& b) {
      int32_t a = b.op(Op::relu, {b.layer(b.input(200), 40)});
      a = b.op(Op::sigmoid, {b.layer(a, 20)});
      a = b.op(Op::tanh, {b.layer(a, 150)});
      return b.op(Op::mean_squared_error, {b.layer(a, 6), b.target(6)});
    });
    for (const Workload& w : all) {
      compare_gradients<float>(engine, w, float_tolerance);
      for (const OptimizerSettings& rule : rules) compare_training<float>(engine, w, rule, float_tolerance);
    }
  }
}

// The network has more instructions than one launch may have.
TEST(cuda_a_deep_narrow_network_has_several_tile_phases) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Workload w =
      workload("deep and narrow", std::vector<int64_t>(25, 6), Op::tanh, Op::squared_error, 70);
  compare_training<float>(engine, w, rules[0], float_tolerance);
  compare_gradients<float>(engine, w, float_tolerance);
  size_t tile_phases = 0;
  const Program program = plan_of(engine, w).program;
  for (const Phase& phase : program.phases) {
    int32_t instructions = 0;
    for (int32_t i = 0; i < phase.steps; ++i) {
      instructions += cuda::instructions_of(program.steps[static_cast<size_t>(phase.first_step + i)]);
    }
    if (phase.grid.column_tiles > 1) CHECK(instructions <= cuda::max_instructions);
    if (phase.grid.column_tiles > 1) ++tile_phases;
  }
  CHECK(tile_phases > 2);
}

TEST(cuda_a_non_finite_loss_changes_no_parameter_of_a_narrow_network) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t batch : {20, 200}) {
    const Workload w = workload("narrow", {3, 8, 2}, Op::sigmoid, Op::mean_squared_error, batch);
    const Values good = values_for(w, 11);
    Values bad = good;
    bad[at(w.graph.data_nodes()[1])][4] = static_cast<double>(NAN);
    for (const OptimizerSettings& rule : rules) {
      for (int steps_before : {0, 1, 3}) {
        PlanRun<float> run(w.graph, training(w.loss, w.batch, rule), good, engine);
        run.update = scalars(rule, 1);
        for (int i = 0; i < steps_before; ++i) run.step();
        std::vector<std::vector<float>> before;
        for (int32_t id : w.graph.parameters()) before.push_back(run.parameter(id));
        for (size_t i = 0; i < before.size(); ++i) {
          bad[at(w.graph.parameters()[i])].assign(before[i].begin(), before[i].end());
        }
        run.set(bad);
        CHECK(!std::isfinite(run.step()));
        for (size_t i = 0; i < before.size(); ++i)
          CHECK(same_bits(run.parameter(w.graph.parameters()[i]), before[i]));
      }
    }
  }
}

// The weight is computed, and its number of columns equals the stride of values. A product that begins a tile's steps
// computes the δ of the weight, which is not a value per sample.
TEST(cuda_computed_weights_on_tiles_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t features : {48, 64, 80}) {
    Builder b;
    const int32_t x = b.input(features);
    std::vector<double> fixed;
    for (int64_t i = 0; i < 5 * features; ++i) fixed.push_back(0.2 * std::sin(static_cast<double>(i)));
    const int32_t weight =
        b.product(Op::matmul, {b.graph.constant("", 5, features, std::move(fixed)), b.parameter(8, 5)});
    const int32_t a = b.op(Op::softmax, {b.product(Op::matmul, {x, weight})});
    const int32_t loss = b.op(Op::squared_error, {a, b.target(8)});
    const Workload w{"computed weight", std::move(b.graph), loss, 20};
    compare_gradients<float>(engine, w, float_tolerance);
  }
}

// These layers are too wide for tiles. The launch that computes the derivative also sums its rows, with the same bits
// as two launches. Long rows are summed in parts.
TEST(cuda_a_derivative_and_the_sums_of_its_rows_are_one_launch) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (int64_t batch : {1, 5, 64, 700, 8300}) {
    const bool in_parts = batch > 8192;  // rows are so long that several blocks share one; one case is enough
    const std::vector<int64_t> layers =
        in_parts ? std::vector<int64_t>{2, 131, 2} : std::vector<int64_t>{2, 131, 130, 2};
    for (Op op : {Op::sigmoid, Op::gelu, Op::relu, Op::negate}) {
      if (in_parts && op != Op::sigmoid) continue;
      const Workload w = workload(name_of(op), layers, op, Op::squared_error, batch);
      const PlanRequest request = training(w.loss, w.batch, rules[0]);
      const Values values = values_for(w, 4);
      PlanRun<double> expected(w.graph, request, values);
      PlanRun<double> a(w.graph, request, values, engine), b(w.graph, request, values, steps_apart(), engine);
      CHECK(a.plan().program.phases.size() + layers.size() - 2 <= b.plan().program.phases.size());
      expected.update = a.update = b.update = scalars(rules[0], 1);
      CHECK_NEAR(a.step(), expected.step(), 1e-9);
      b.step();
      for (int32_t id : w.graph.parameters()) {
        CHECK(same_bits(a.parameter(id), b.parameter(id)));
        CHECK_NEAR(distance(a.parameter(id), expected.parameter(id)), 0, double_tolerance);
      }
      compare_training<float>(engine, w, rules[4], float_tolerance);
      compare_gradients<float>(engine, w, float_tolerance);
    }
  }
}

// A δ with several terms must be summed only when it is complete.
TEST(cuda_row_sums_of_a_derivative_with_several_terms_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  Builder b;
  const int32_t z = b.layer(b.input(3), 140);
  const int32_t both = b.op(Op::concat, {b.op(Op::tanh, {z}), b.op(Op::sigmoid, {z})});
  const int32_t loss = b.op(Op::mean_squared_error, {b.layer(both, 2), b.target(2)});
  const Workload w{"two activations of a layer", std::move(b.graph), loss, 50};
  compare_gradients<float>(engine, w, float_tolerance);
  compare_gradients<double>(engine, w, double_tolerance);
}

// Each phase of a training step with SGD is one launch.
TEST(cuda_workloads_have_the_expected_number_of_phases) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const struct {
    const char* name;
    size_t phases;
  } expected[] = {{"tiny", 2},  {"mnist-s", 5}, {"mnist-m", 15}, {"wide", 16}, {"alex-fc", 16},
                  {"deep", 62}, {"regress", 3}, {"skinny", 3},   {"huge", 16}, {"fused-small", 3}};
  for (const Workload& w : workloads()) {
    const Plan plan = plan_of(engine, w);
    for (const auto& e : expected) {
      if (w.name == e.name && plan.program.phases.size() != e.phases) {
        fail(e.name, 0,
             message("has ", plan.program.phases.size(), " phases, expected ", e.phases, "\n",
                     print_plan(plan)));
      }
    }
  }
}

TEST(cuda_plans_of_narrow_networks_use_tiles_and_little_memory) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Workload w = workload("fused-small", {64, 64, 64, 64, 3}, Op::relu, Op::mean_squared_error, 65536);
  const Plan plan = plan_of(engine, w);
  const std::string text = print_plan(plan);
  CHECK(text.find("[tile kernel]") != std::string::npos && text.find("cuBLASLt") == std::string::npos);
  // Only parts of gradients and the loss are in memory. A single value of 64 features would need 17 MB.
  const int64_t parameters = 3 * 64 * 65 + 3 * 65;
  CHECK(plan.program.phases[0].uses_scratch);
  CHECK(plan.program.arena_bytes < cuda::most_parts * parameters * 4 + (1 << 20));
  // In double every step is a separate launch, except for concurrent steps and rules with their sums.
  for (const Phase& phase : plan_of(engine, w, {}, DType::float64).program.phases) {
    CHECK(phase.concurrent || (phase.steps <= 2 && phase.grid.tiles() == 1));
  }
  // The last launch does all updates.
  const Program program = plan_of(engine, w, rules[4]).program;
  CHECK(program.phases.size() == 4 && program.phases.back().concurrent && program.phases.back().steps == 8);
  CHECK(program.steps.back().kind == StepKind::update);
}
