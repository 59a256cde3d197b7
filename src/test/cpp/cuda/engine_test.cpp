// Compares the CUDA engine with the CPU engine in double: values and gradients of every operation on the table of
// cases, extreme values, and updates. Also tests that a non-finite loss changes no parameter.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "backend/cuda/kernels/convert.h"
#include "backend/cuda/proxy.h"
#include "cases.h"
#include "cuda/compare.h"
#include "cuda/engines.h"
#include "gradient_check.h"
#include "graph/backward.h"
#include "harness.h"

using namespace test;

namespace {

std::vector<GraphCase> all_cases(bool wide) {
  std::vector<GraphCase> cases = composite_cases();
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op, wide)) cases.push_back(std::move(c));
  }
  return cases;
}

PlanRequest with_all_outputs(const GraphCase& c, int64_t batch) {
  PlanRequest request;
  request.batch = batch;
  request.loss = c.loss;
  request.backward = true;
  const std::vector<bool> reached = needed_for(c.graph, {c.loss});
  for (int32_t id = 0; id < c.graph.size(); ++id) {
    if (reached[at(id)] && c.graph.node(id).op != Op::label) request.outputs.push_back(id);
  }
  return request;
}

// Compares all values, the loss and all gradients. Runs twice, because the second run captures a graph.
template <class T>
void compare(const GraphCase& c, int64_t batch, Backend& engine, double tolerance) {
  const PlanRequest request = with_all_outputs(c, batch);
  const Values values = random_values(c.graph, batch, 3);
  PlanRun<double> expected(c.graph, request, values);
  const double loss = expected.step();
  PlanRun<T> run(c.graph, request, values, engine);
  auto check = [&](const std::string& what, double error) {
    if (!(error <= tolerance))
      fail(c.name.c_str(), static_cast<int>(batch), message(what, ": error ", error));
  };
  for (int time = 0; time < 2; ++time) {
    const double got = run.step();
    check("loss", std::abs(got - loss) / std::max(1.0, std::abs(loss)));
    for (size_t i = 0; i < request.outputs.size(); ++i) {
      check(c.graph.describe(request.outputs[i]), distance(run.output(i), expected.output(i)));
    }
    for (int32_t id = 0; id < c.graph.size(); ++id) {
      const Op op = c.graph.node(id).op;
      if ((op != Op::parameter && op != Op::input) || !needed_for(c.graph, {c.loss})[at(id)]) continue;
      check("d " + c.graph.describe(id), distance(run.gradient(id), expected.gradient(id)));
    }
  }
}

// TF32 factors have 10 bits of fraction (an error of 2^-11 = 5e-4 each), bfloat16 factors have 7 (2^-8 = 4e-3). The
// bounds allow for a chain of a few products.
constexpr double tf32_tolerance = 1e-2, bfloat16_tolerance = 6e-2;

}  // namespace

TEST(cuda_values_and_gradients_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (const GraphCase& c : all_cases(false)) {
    for (int64_t batch : {1, 7, 33, 128}) {
      compare<float>(c, batch, engine, float_tolerance);
      compare<double>(c, batch, engine, double_tolerance);
    }
  }
}

TEST(cuda_values_of_many_blocks_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (const GraphCase& c : all_cases(true)) compare<float>(c, 1001, engine, float_tolerance);
}

TEST(cuda_gradients_of_every_operation) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (const GraphCase& c : all_cases(false)) {
    for (int64_t batch : {1, 7, 33}) {
      const Values values = random_values(c.graph, batch, 17 + static_cast<uint64_t>(batch));
      const CheckedGradients result =
          check_gradients(c.graph, c.loss, batch, values, {2, 2, 1e-6, 5}, {}, engine);
      if (result.passed() && result.strongest() > 1) continue;
      fail(c.name.c_str(), static_cast<int>(batch),
           message("strongest derivative ", result.strongest(), ": ", result.text()));
    }
  }
}

TEST(cuda_tensor_core_precisions_agree_within_their_tolerances) {
  for (auto [precision, tolerance] :
       {std::pair(CudaPrecision::tf32, tf32_tolerance), {CudaPrecision::bfloat16, bfloat16_tolerance}}) {
    CUDA_ENGINE_OR_SKIP(engine, precision);
    for (Op op : {Op::linear, Op::matmul}) {
      for (const GraphCase& c : cases_of(op)) {
        for (int64_t batch : {1, 7, 64}) compare<float>(c, batch, engine, tolerance);
      }
      // models of double are computed in double in every precision
      for (const GraphCase& c : cases_of(op)) compare<double>(c, 7, engine, double_tolerance);
    }
  }
}

// The errors must be larger than those of floats, or the precision was not used. bfloat16 is always used, because the
// engine converts the factors itself. TF32 only allows cuBLASLt to round: it does so if the device supports TF32 and
// the product is large and aligned.
TEST(cuda_tensor_core_precisions_round_factors) {
  for (CudaPrecision precision : {CudaPrecision::tf32, CudaPrecision::bfloat16}) {
    CUDA_ENGINE_OR_SKIP(engine, precision);
    const bool is_tf32 = precision == CudaPrecision::tf32;
    const bool has_tf32 = cuda_is_emulated() || describe_cuda_device(cuda_library(), 0).capability_major >= 8;
    for (bool aligned : {false, true}) {
      Builder b;  // not narrow, because products on tiles of samples use floats
      const int32_t x = b.input(aligned ? 256 : 200), z = b.layer(x, aligned ? 256 : 48);
      PlanRequest request;
      request.batch = aligned ? 256 : 33;
      request.outputs = {z};
      const Values values = random_values(b.graph, request.batch, 9);
      PlanRun<double> expected(b.graph, request, values);
      PlanRun<float> run(b.graph, request, values, engine);
      expected.forward();
      run.forward();
      const double error = distance(run.output(0), expected.output(0));
      if (!is_tf32 || (aligned && has_tf32)) CHECK(error > 1e-5);
      CHECK(error < (is_tf32 ? tf32_tolerance : bfloat16_tolerance));
    }
  }
}

TEST(cuda_bfloat16_rounds_to_nearest_even) {
  const auto bits = [](float x) { return static_cast<int>(cuda::to_bfloat16(x)); };
  CHECK(bits(1.0f) == 0x3f80);
  CHECK(bits(-2.0f) == 0xc000);
  CHECK(bits(-0.0f) == 0x8000);
  CHECK(bits(1.0f + 0x1p-8f) == 0x3f80);             // a tie: down to the even one
  CHECK(bits(1.0f + 0x1p-8f + 0x1p-20f) == 0x3f81);  // just above it
  CHECK(bits(1.0f + 0x1.8p-7f) == 0x3f82);           // a tie: up to the even one
  CHECK(bits(std::numeric_limits<float>::infinity()) == 0x7f80);
  CHECK(bits(std::numeric_limits<float>::max()) == 0x7f80);
  CHECK(std::isnan(std::numeric_limits<float>::quiet_NaN()) && (bits(NAN) & 0x7fff) > 0x7f80);
}

// For extreme operands every unary operation gives the same class of number as on the CPU: NaN, the same infinity, or a
// finite value that is close.
TEST(cuda_values_of_extreme_operands_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> xs = {0.0,  -0.0,  1e-38, -1e-38, 1e-45, -1e-45, 1e-20, -1e-20,
                                  0.3,  -0.3,  20,    -20,    88.0,  -88.0,  104.0, -104.0,
                                  1e30, -1e30, 3e38,  -3e38,  inf,   -inf,   NAN};
  for (Op op : operations()) {
    if (kind_of(op) != Kind::unary) continue;
    Builder b;
    const int32_t x = b.input(1), y = b.op(op, {x}, constant_of(op));
    PlanRequest request;
    request.batch = static_cast<int64_t>(xs.size());
    request.outputs = {y};
    request.loss = b.op(Op::squared_error, {b.op(Op::scale, {x}, 0.0), b.target(1)});
    Values values(at(b.graph.size()));
    values[at(x)] = xs;
    values[at(b.graph.size() - 2)].assign(xs.size(), 0.0);
    PlanRun<float> expected(b.graph, request, values), run(b.graph, request, values, engine);
    expected.forward();
    run.forward();
    for (size_t i = 0; i < xs.size(); ++i) {
      const double e = expected.output(0)[i], g = run.output(0)[i];
      const bool same = std::isnan(e)   ? std::isnan(g)
                        : std::isinf(e) ? g == e
                                        : std::abs(g - e) <= 1e-5 * std::abs(e) + 1e-37;
      if (!same) fail(name_of(op), 0, message("at ", xs[i], ": got ", g, ", on the CPU ", e));
      CHECK(g != 0 || !std::signbit(g) || std::signbit(e));  // no -0 unless the CPU's value is negative or -0
    }
  }
}

// The derivative is Ind(z >= 0): 1 at exactly zero, for 0 and -0.
TEST(cuda_relu_at_zero) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  Builder b;
  const int32_t x = b.input(4), a = b.op(Op::relu, {x});
  const int32_t loss = b.op(Op::squared_error, {a, b.target(4)});
  Values values(at(b.graph.size()));
  values[at(x)] = {0.0, -0.0, -1e-30, 2.0};
  values[at(loss - 1)] = {1, 1, 1, 1};
  PlanRequest request;
  request.batch = 1;
  request.loss = loss;
  request.backward = true;
  PlanRun<float> run(b.graph, request, values, engine);
  run.step();
  CHECK(run.gradient(x) == std::vector<float>({-2, -2, 0, 2}));
}

namespace {

struct Trained {
  Builder b;
  int32_t x, y, loss;
  std::vector<int32_t> ids;
};

Trained two_layers() {
  Trained t;
  t.x = t.b.input(5), t.y = t.b.target(3);
  const int32_t w1 = t.b.parameter(8, 5), b1 = t.b.parameter(8), w2 = t.b.parameter(3, 8),
                b2 = t.b.parameter(3);
  const int32_t a = t.b.op(Op::tanh, {t.b.product(Op::linear, {t.x, w1, b1})});
  t.loss = t.b.op(Op::squared_error, {t.b.product(Op::linear, {a, w2, b2}), t.y});
  t.ids = {w1, b1, w2, b2};
  return t;
}

PlanRequest training(const Trained& t, const OptimizerSettings& rule) {
  return test::training(t.loss, 20, rule);
}

// The learning rate changes during the run, which needs no new graph.
UpdateScalars scalars(const OptimizerSettings& rule, int t) {
  return test::scalars(rule, t, t < 4 ? 0.03 : 0.01, 0.99, 1e-6);
}

const std::vector<OptimizerSettings> rules = {
    sgd(),     sgd(0, false, 0.2), sgd(0.9),  sgd(0.9, true, 0.2),    adam(),
    adam(0.2), adamw(0.2),         rmsprop(), rmsprop(0.9, true, 0.2)};

template <class T>
void compare_updates(Backend& engine, const OptimizerSettings& rule, bool in_product, double tolerance) {
  const Trained t = two_layers();
  const Values values = random_values(t.b.graph, 20, 11);
  const PlanRequest request = training(t, rule);
  const PlanTesting testing = updates_in_products(in_product);
  PlanRun<double> expected(t.b.graph, request, values, testing);
  PlanRun<T> run(t.b.graph, request, values, testing, engine);
  for (int step = 1; step <= 8; ++step) {
    expected.update = run.update = scalars(rule, step);
    CHECK_NEAR(run.step(), expected.step(), tolerance * 10);
    for (int32_t id : t.ids) CHECK_NEAR(distance(run.parameter(id), expected.parameter(id)), 0, tolerance);
  }
}

}  // namespace

TEST(cuda_optimizers_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  for (const OptimizerSettings& rule : rules) {
    for (bool in_product : {true, false}) {
      compare_updates<float>(engine, rule, in_product, float_tolerance);
      compare_updates<double>(engine, rule, in_product, double_tolerance);
    }
  }
}

// One launch updates parameters of a single element, of many blocks and of odd sizes.
TEST(cuda_updates_of_many_parameters_agree_with_the_cpu) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  Builder b;
  int32_t a = b.input(3);
  for (int64_t width : {1, 130, 67, 9, 2}) a = b.op(Op::tanh, {b.layer(a, width)});
  const int32_t loss = b.op(Op::squared_error, {a, b.target(2)});
  const Values values = random_values(b.graph, 6, 2);
  PlanRequest request;
  request.batch = 6;
  request.loss = loss;
  request.backward = request.update = true;
  request.optimizer = adamw(0.1);
  PlanRun<double> expected(b.graph, request, values);
  PlanRun<float> run(b.graph, request, values, engine);
  for (int step = 1; step <= 3; ++step) {
    // ε is large; with a small one, an update would divide the rounding error of a gradient near 0 by a number near 0
    expected.update = run.update = test::scalars(request.optimizer, step, 0.03, 0.99, 1e-2);
    expected.step();
    run.step();
  }
  for (int32_t id : b.graph.parameters()) {
    CHECK_NEAR(distance(run.parameter(id), expected.parameter(id)), 0, 1e-4);
    CHECK_NEAR(distance(run.state(0, id), expected.state(0, id)), 0, 1e-4);
    CHECK_NEAR(distance(run.state(1, id), expected.state(1, id)), 0, 1e-4);
  }
}

TEST(cuda_a_non_finite_loss_changes_no_parameter) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Trained t = two_layers();
  const Values good = random_values(t.b.graph, 20, 11);
  for (double bad_value : {static_cast<double>(NAN), static_cast<double>(INFINITY), 1e30}) {
    for (const OptimizerSettings& rule : rules) {
      for (int steps_before : {0, 1, 3}) {
        PlanRun<float> run(t.b.graph, training(t, rule), good, engine);
        run.update = scalars(rule, 1);
        for (int i = 0; i < steps_before; ++i) run.step();
        std::vector<std::vector<float>> before;
        for (int32_t id : t.ids) before.push_back(run.parameter(id));
        Values bad = good;
        for (size_t i = 0; i < t.ids.size(); ++i) {
          bad[at(t.ids[i])].assign(before[i].begin(), before[i].end());
        }
        bad[at(t.y)][4] = bad_value;
        run.set(bad);
        CHECK(!std::isfinite(run.step()));
        for (size_t i = 0; i < t.ids.size(); ++i) CHECK(same_bits(run.parameter(t.ids[i]), before[i]));
        // the next batch trains again
        bad[at(t.y)] = good[at(t.y)];
        run.set(bad);
        CHECK(std::isfinite(run.step()));
        CHECK(!same_bits(run.parameter(t.ids[0]), before[0]));
      }
    }
  }
}

TEST(cuda_the_same_run_gives_the_same_bits) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Trained t = two_layers();
  const Values values = random_values(t.b.graph, 20, 11);
  for (const OptimizerSettings& rule : rules) {
    PlanRun<float> a(t.b.graph, training(t, rule), values, engine);
    PlanRun<float> b(t.b.graph, training(t, rule), values, engine);
    for (int step = 1; step <= 4; ++step) {
      a.update = b.update = scalars(rule, step);
      CHECK(a.step() == b.step());
    }
    for (int32_t id : t.ids) CHECK(same_bits(a.parameter(id), b.parameter(id)));
  }
}

TEST(cuda_time_is_measured_per_phase) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  const Trained t = two_layers();
  const Values values = random_values(t.b.graph, 20, 11);
  PlanRun<float> run(t.b.graph, training(t, rules[0]), values, engine);
  run.poison_all();
  std::vector<double> seconds(run.plan().program.phases.size(), 0.0);
  Context context = run.context();
  context.phase_seconds = seconds.data();
  CHECK(std::isfinite(engine.run_to_loss(run.plan().program, context)));
  double total = 0;
  for (double phase : seconds) total += phase;
  CHECK(total > 0);
}

TEST(cuda_library_refuses_wrong_arguments_and_versions) {
  CUDA_ENGINE_OR_SKIP(engine, CudaPrecision::float32);
  CHECK_THROWS(engine.allocate(-1), "expected a size of 0 or more bytes, but got -1");
  CHECK_THROWS(open_cuda_engine(cuda_library(), 4711, CudaPrecision::float32), "4711");
  CudaLibrary other = cuda_library();
  other.version = 0;
  CHECK_THROWS(open_cuda_engine(other, 0, CudaPrecision::float32), "another version");
  other = cuda_library();
  other.struct_bytes += 8;
  CHECK_THROWS(cuda_versions(other), "another version");
  CHECK(describe_cuda_device(cuda_library(), 0).total_bytes > 0);
}
