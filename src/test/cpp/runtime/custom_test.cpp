// Custom operations, whose rules are defined outside the core.
#include "ops/custom.h"

#include <cmath>

#include "gradient_check.h"
#include "graph_builder.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/trainer.h"

using namespace test;

namespace {

int32_t failing_call = -1, call = 0;

// The rules: the sine, the sine with a derivative that is 2 % too large, and |z|. Call number `failing_call` fails.
bool host(int32_t number, bool backward, int64_t count, const double* delta, const double* z, const double*,
          double* result) {
  if (call++ == failing_call) return false;
  const bool wrong = number == custom_number("test_wrong_sine"),
             corner = number == custom_number("test_corner");
  for (int64_t i = 0; i < count; ++i) {
    if (!backward) {
      result[i] = corner ? std::abs(z[i]) : std::sin(z[i]);
    } else {
      result[i] = delta[i] * (corner ? (z[i] < 0 ? -1 : 1) : wrong ? 1.02 * std::cos(z[i]) : std::cos(z[i]));
    }
  }
  return true;
}

void register_all() {
  set_custom_host(host);
  for (const char* name : {"test_sine", "test_wrong_sine", "test_corner"}) register_custom(name);
  failing_call = -1;
}

struct Net {
  Builder b;
  int32_t w, y, loss;
};

Net net(const char* name) {
  register_all();
  Net n;
  const int32_t x = n.b.input(3, "x");
  n.w = n.b.parameter(4, 3, "w");
  auto custom = [&](int32_t z) {
    Node node;
    node.op = Op::custom;
    node.inputs = {z};
    node.custom = name;
    return n.b.graph.add(std::move(node));
  };
  const int32_t z = n.b.product(Op::linear, {x, n.w});
  const int32_t a = custom(z);
  // z has two consumers, so the custom operation's backward adds to a δ. A second one has a parameter as its operand.
  const int32_t both = n.b.op(Op::add, {a, n.b.op(Op::tanh, {z})});
  n.y = n.b.op(Op::relu, {n.b.op(Op::add, {n.b.layer(both, 2), custom(n.b.parameter(2, 1, "shift"))})});
  n.loss = n.b.op(Op::squared_error, {n.y, n.b.target(2, "t")});
  return n;
}

}  // namespace

TEST(custom_operation_has_the_gradient_of_its_backward_rule) {
  const Net n = net("test_sine");
  for (int64_t batch : {1, 7, 300}) {
    const CheckedGradients result =
        check_gradients(n.b.graph, n.loss, batch, random_values(n.b.graph, batch, 5), {2, 3, 1e-6, 5});
    if (!result.passed()) fail("sine", static_cast<int>(batch), result.text());
  }
}

// Data of one feature. Other operations read it directly from the caller's memory.
TEST(custom_operation_of_one_feature_has_its_gradient) {
  register_all();
  Builder b;
  Node node;
  node.op = Op::custom;
  node.inputs = {b.input(1, "x")};
  node.custom = "test_sine";
  const int32_t a = b.graph.add(std::move(node));
  const int32_t loss = b.op(Op::squared_error, {b.layer(a, 1), b.target(1, "t")});
  for (int64_t batch : {1, 7, 300}) {
    const CheckedGradients result =
        check_gradients(b.graph, loss, batch, random_values(b.graph, batch, 5), {2, 3, 1e-6, 5});
    if (!result.passed()) fail("sine", static_cast<int>(batch), result.text());
  }
}

TEST(custom_operation_with_a_wrong_backward_is_found) {
  const Net n = net("test_wrong_sine");
  const CheckedGradients result =
      check_gradients(n.b.graph, n.loss, 7, random_values(n.b.graph, 7, 5), {2, 3, 1e-6, 5});
  CHECK(result.any(Verdict::differs));
  const GradientFinding& f = worst(result.findings);
  CHECK(f.verdict == Verdict::differs);
  CHECK(f.row >= 0);
  // the gradients of the layer after it are right
  for (const GradientFinding& other : result.findings) {
    const bool after = other.node >= 0 && n.b.graph.node(other.node).op == Op::parameter &&
                       other.node > n.w && n.b.graph.node(other.node).name != "shift";
    CHECK(!after || other.verdict == Verdict::agrees);
  }
}

// The check has no list of the kinks of custom operations. It finds them because the one-sided differences disagree.
TEST(custom_operation_with_a_kink_is_not_reported_as_wrong) {
  const Net n = net("test_corner");
  Values values = random_values(n.b.graph, 3, 5);
  std::fill(values[at(n.b.graph.find("shift"))].begin(), values[at(n.b.graph.find("shift"))].end(), 0.0);
  const CheckedGradients result = check_gradients(n.b.graph, n.loss, 3, values, {1, 2, 1e-6, 5});
  CHECK(!result.any(Verdict::differs));
  bool reported = false;
  for (const GradientFinding& f : result.findings) {
    reported = reported || (f.verdict == Verdict::kink && f.node == n.b.graph.find("shift"));
  }
  CHECK(reported);
}

TEST(custom_operation_that_fails_changes_nothing) {
  const Net n = net("test_sine");
  for (const OptimizerSettings& rule : {sgd(), sgd(0.9), adam()}) {
    auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
    Trainer trainer(model, n.loss, at_rate(0.1, rule));
    set_values(random_values(n.b.graph, 8, 5), 8, model.get(), &trainer.inputs());
    trainer.step(8);
    const int64_t bytes = model->layout().parameter_bytes;
    for (failing_call = 0; failing_call < 4; ++failing_call) {
      call = 0;
      std::vector<std::vector<char>> before;
      for (int32_t i = -1; i < max_states; ++i) {
        const char* block = i < 0 ? model->parameters() : trainer.state(i);
        before.emplace_back(block, block == nullptr ? block : block + bytes);
      }
      CHECK_THROWS(trainer.step(8), "of the operation 'test_sine' failed");
      CHECK(call == failing_call + 1);
      for (int32_t i = -1; i < max_states; ++i) {
        const char* block = i < 0 ? model->parameters() : trainer.state(i);
        const std::vector<char>& was = before[static_cast<size_t>(i + 1)];
        CHECK(was.empty() || std::memcmp(was.data(), block, was.size()) == 0);
      }
    }
    failing_call = -1;
    trainer.step(8);
    CHECK(trainer.progress().steps == 2);
  }
}

TEST(custom_operation_is_never_fused) {
  const Net n = net("test_sine");
  PlanRequest request;
  request.batch = 300;
  request.loss = n.loss;
  request.backward = request.update = true;
  const Plan plan = make_plan(n.b.graph, request, cpu_backend());
  int32_t last_custom = -1, found = 0;
  for (size_t p = 0; p < plan.program.phases.size(); ++p) {
    const Phase& phase = plan.program.phases[p];
    for (int32_t i = 0; i < phase.steps; ++i) {
      const Step& step = plan.program.steps[at(phase.first_step + i)];
      if (is_custom(step)) {
        CHECK(phase.steps == 1 && phase.grid.tiles() == 1);
        last_custom = static_cast<int32_t>(p);
        ++found;
      }
      if (step.kind == StepKind::update) CHECK(last_custom >= 0 && found == 4);
    }
  }
  CHECK(found == 4);
  CHECK(print_plan(plan).find("['test_sine']") != std::string::npos);
}

TEST(custom_operation_must_be_registered) {
  register_all();
  Builder b;
  Node node;
  node.op = Op::custom;
  node.inputs = {b.input(2)};
  node.custom = "test_never";
  CHECK_THROWS(b.graph.add(node), "no operation is registered under the name 'test_never'");
  const int32_t number = register_custom("test_once");
  CHECK(register_custom("test_once") == number);
  node.custom = "test_once";
  b.graph.add(node);
  unregister_custom("test_once");
  CHECK_THROWS(b.graph.add(node), "no operation is registered");
  CHECK(custom_number("test_once") == number);
}
