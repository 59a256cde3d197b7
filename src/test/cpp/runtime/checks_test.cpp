// Gradient checks that find faults, the checking mode, and memory use.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cases.h"
#include "gradient_check.h"
#include "harness.h"
#include "optimizers.h"
#include "runtime/predictor.h"
#include "runtime/trainer.h"
#include "tools/gradients.h"

using namespace test;

namespace {

struct Net {
  Builder b;
  int32_t x, w1, h, w2, y, t, loss;
};

Net net(Op activation = Op::tanh) {
  Net n;
  n.x = n.b.input(3, "x");
  n.w1 = n.b.parameter(5, 3, "w1");
  n.h = n.b.op(activation, {n.b.product(Op::linear, {n.x, n.w1})});
  n.w2 = n.b.parameter(2, 5, "w2");
  n.y = n.b.product(Op::linear, {n.h, n.w2});
  n.t = n.b.target(2, "t");
  n.loss = n.b.op(Op::squared_error, {n.y, n.t});
  return n;
}

const OptimizerSettings with_adam = at_rate(0.01, adam());

}  // namespace

// With a fault in the backward rule of tanh, the gradients before tanh in the graph are wrong and the check names the
// worst element. The gradient of the parameter after tanh is right.
TEST(gradient_check_names_a_parameter_whose_gradient_is_wrong) {
  const Net n = net();
  const CheckedGradients result = check_gradients(n.b.graph, n.loss, 6, random_values(n.b.graph, 6, 2),
                                                  {2, 2, 1e-6, 1}, fault(Op::tanh, 1.01));
  const GradientFinding& f = worst(result.findings);
  CHECK(f.verdict == Verdict::differs);
  CHECK(f.node == n.w1 || f.node == n.x);
  CHECK(f.row >= 0 && f.column >= 0);
  CHECK_NEAR(f.found / f.expected, 1.01, 1e-5);
  for (const GradientFinding& other : result.findings) {
    if (other.node == n.w2) CHECK(other.verdict == Verdict::agrees);
  }
}

TEST(gradient_check_of_a_float_model_works_on_a_copy) {
  const Net n = net();
  Model model(n.b.graph, DType::float32, 3);
  GradientCheck check(model, n.loss);
  set_values(random_values(n.b.graph, 6, 2), 6, check.model().get(), &check.inputs());
  std::vector<double> before(15), after(15);
  check.model()->read_parameter(n.w1, before.data(), 15);
  check.choose({n.w1, 4, 2});
  check.choose({n.x, 5, 1});
  const std::vector<GradientFinding> findings = check.run(6, {});
  bool w = false, x = false;
  for (const GradientFinding& f : findings) {
    CHECK(f.verdict == Verdict::agrees);
    w = w || (f.node == n.w1 && f.row == 4 && f.column == 2);
    x = x || (f.node == n.x && f.row == 5 && f.column == 1);
  }
  CHECK(w && x);
  check.model()->read_parameter(n.w1, after.data(), 15);
  CHECK(same_bits(before, after));
  CHECK_THROWS(check.choose({n.w1, 5, 0}), "has no element at row 5");
  CHECK_THROWS(check.choose({n.loss, 0, 0}), "expected a parameter or an input");
  CHECK_THROWS(GradientCheck(model, n.y), "must be a scalar");
  CHECK_THROWS(check.run(0, {}), "at least one sample");
}

TEST(gradient_check_reports_a_kink_and_its_node) {
  const Net n = net(Op::relu);
  Values values = random_values(n.b.graph, 6, 2);
  std::fill(values[at(n.x)].begin(), values[at(n.x)].begin() + 3, 0.0);  // W x = 0 in the first sample
  const CheckedGradients result = check_gradients(n.b.graph, n.loss, 6, values, {1, 1, 1e-6, 1});
  CHECK(!result.any(Verdict::differs));
  CHECK(result.any(Verdict::kink));
  for (const GradientFinding& f : result.findings) {
    if (f.verdict == Verdict::kink) CHECK(f.kink == n.h);
  }
}

namespace {

// Checks the gradient of big + scale tanh(w x) at x = 1 and w = 0. The backward rule of tanh gets `factor` times its δ.
CheckedGradients small_beside_large(double big, double scale, double factor) {
  Builder b;
  const int32_t w = b.parameter(1, 1, "w"), large = b.parameter(1, 1, "large");
  const int32_t a = b.op(Op::tanh, {b.product(Op::linear, {b.input(1, "x"), w})});
  const int32_t y = b.op(Op::add, {b.op(Op::scale, {a}, scale), large});
  const int32_t loss = b.op(Op::sum, {b.op(Op::batch_mean, {y})});
  Values values = random_values(b.graph, 1, 2);
  values[at(w)] = {0};
  values[at(large)] = {big};
  values[at(b.graph.find("x"))] = {1};
  CheckedGradients result =
      check_gradients(b.graph, loss, 1, values, {0, 1, 1e-6, 1}, fault(Op::tanh, factor));
  result.findings.erase(std::remove_if(result.findings.begin(), result.findings.end(),
                                       [&](const auto& f) { return f.node != w && f.node != large; }),
                        result.findings.end());
  return result;
}

}  // namespace

// Rounding hides most at the smallest step h. It must not decide the verdict if a larger step gives a certain one.
TEST(gradient_check_sees_a_small_derivative_beside_a_large_loss) {
  for (auto [big, scale] : {std::pair(1e4, 1.9e-5), {2.3, 1e-8}}) {
    CHECK(small_beside_large(big, scale, 1).passed());
    const CheckedGradients wrong = small_beside_large(big, scale, 0);
    CHECK(worst(wrong.findings).verdict == Verdict::differs);
    CHECK_NEAR(worst(wrong.findings).expected / scale, 1, 1e-2);
  }
}

TEST(gradient_check_reports_a_derivative_that_is_too_weak) {
  for (double factor : {1, 0}) {
    const CheckedGradients result = small_beside_large(1e4, 1e-12, factor);
    CHECK(result.any(Verdict::too_weak));
    CHECK(!result.any(Verdict::differs));
    CHECK(result.passed());  // the derivative of `large` agrees
    for (const GradientFinding& f : result.findings) {
      CHECK(f.verdict == (std::abs(f.found) > 0.5 ? Verdict::agrees : Verdict::too_weak));
    }
  }
}

// (tanh(1e4 w + 0.5) - 2)² looks like a jump to large steps and like a smooth function to small ones. With a fault the
// verdict must be `differs`, not `kink`.
TEST(gradient_check_does_not_mistake_a_steep_function_for_a_kink) {
  Builder b;
  const int32_t w = b.parameter(1, 1, "w");
  const int32_t z = b.op(Op::scale, {b.product(Op::linear, {b.input(1, "x"), w})}, 1e4);
  const int32_t loss = b.op(Op::squared_error, {b.op(Op::tanh, {z}), b.target(1, "t")});
  Values values = random_values(b.graph, 1, 2);
  values[at(w)] = {0.5e-4};
  values[at(b.graph.find("x"))] = {1};
  values[at(b.graph.find("t"))] = {2};
  for (double factor : {1.0, 1.03}) {
    const CheckedGradients result =
        check_gradients(b.graph, loss, 1, values, {0, 1, 1e-6, 1}, fault(Op::tanh, factor));
    for (const GradientFinding& f : result.findings) {
      if (f.node == w) CHECK(f.verdict == (factor == 1 ? Verdict::agrees : Verdict::differs));
    }
  }
}

TEST(gradient_check_refuses_elements_that_do_not_exist) {
  Net n = net();
  const int32_t apart = n.b.parameter(2, 2, "apart");
  Model model(n.b.graph, DType::float64, 3);
  auto run = [&](const Coordinate& c) {
    GradientCheck check(model, n.loss);
    set_values(random_values(n.b.graph, 6, 2), 6, check.model().get(), &check.inputs());
    check.choose(c);
    return check.run(6, {}).size();
  };
  CHECK(run({n.x, 5, 2}) > 0);
  for (int64_t row : {int64_t{6}, int64_t{1} << 62, (int64_t{1} << 62) - 1}) {
    CHECK_THROWS(run({n.x, row, 0}), "in this batch");
  }
  CHECK_THROWS(run({apart, 1, 1}), "the loss does not depend on 'apart'");
  CHECK_THROWS(GradientCheck(model, n.loss).run(6, {1, 1, HUGE_VAL, 1}), "positive and finite");
}

TEST(gradient_check_never_passes_nan) {
  const Net n = net();
  for (double bad : {std::nan(""), HUGE_VAL, 1e200}) {
    Values values = random_values(n.b.graph, 6, 2);
    values[at(n.t)][3] = bad;
    const CheckedGradients result = check_gradients(n.b.graph, n.loss, 6, values, {1, 1, 1e-6, 1});
    CHECK(!result.passed());
    CHECK(worst(result.findings).verdict == Verdict::not_a_number);
  }
}

// First a NaN in the data, then an infinity that a node in the middle computes: log(0) is -inf.
TEST(checking_names_the_pass_the_node_and_the_element) {
  const Net n = net();
  auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
  Trainer trainer(model, n.loss, with_adam);
  trainer.set_checking(true);
  Values values = random_values(n.b.graph, 50, 2);
  set_values(values, 50, model.get(), &trainer.inputs());
  trainer.step(50);
  const std::vector<char> before(model->parameters(), model->parameters() + model->layout().parameter_bytes);
  values[at(n.x)][36 * 3 + 1] = std::nan("");
  set_values(values, 50, model.get(), &trainer.inputs());
  std::copy(before.begin(), before.end(), model->parameters());
  CHECK_THROWS(trainer.step(50),
               "training step 2, forward pass: 'x' (input, [batch x 3]) is nan at batch row 36, feature 1");
  CHECK(std::memcmp(before.data(), model->parameters(), before.size()) == 0);
  CHECK(trainer.progress().steps == 1);

  Builder b;
  const int32_t x = b.input(2, "x"), w = b.parameter(2, 1, "w");
  const int32_t norm = b.op(Op::sum, {b.op(Op::square, {b.op(Op::multiply, {x, w})})});
  const int32_t root = b.op(Op::exp, {b.op(Op::scale, {b.op(Op::log, {norm})}, 0.5)});
  const int32_t loss = b.op(Op::sum, {b.op(Op::batch_mean, {root})});
  auto rooted = std::make_shared<Model>(b.graph, DType::float64, 3);
  Trainer deep(rooted, loss, with_adam);
  deep.set_checking(true);
  Values inputs = random_values(b.graph, 4, 2);
  inputs[at(x)][4] = 0;
  inputs[at(x)][5] = 1e-200;  // its square is 0 in double
  set_values(inputs, 4, rooted.get(), &deep.inputs());
  CHECK_THROWS(deep.step(4), "forward pass: 'log_");
  inputs[at(x)][5] = 1e-150;  // now the square is 1e-300, and 1e-150 / 1e-300 is finite
  set_values(inputs, 4, rooted.get(), &deep.inputs());
  deep.step(4);
}

TEST(checking_finds_a_fault_in_the_backward_pass) {
  Builder b;
  const int32_t x = b.input(1, "x"), w = b.parameter(1, 1, "w");
  const int32_t z = b.product(Op::linear, {x, w});
  const int32_t root = b.op(Op::exp, {b.op(Op::scale, {b.op(Op::log, {z})}, 0.5)});
  const int32_t loss = b.op(Op::sum, {b.op(Op::batch_mean, {b.op(Op::scale, {root}, 1e300)})});
  auto model = std::make_shared<Model>(b.graph, DType::float64, 3);
  Trainer trainer(model, loss, with_adam);
  trainer.set_checking(true);
  Values values(at(b.graph.size()));
  values[at(x)] = {1, 1e-300, 1};  // the root is 1e-150 and its slope 5e149, times 1e300
  values[at(w)] = {1};
  set_values(values, 3, model.get(), &trainer.inputs());
  CHECK_THROWS(trainer.step(3),
               message("backward pass: the delta of ", b.graph.describe(z), " is inf at batch row 1"));
  std::vector<double> now(1);
  model->read_parameter(w, now.data(), 1);
  CHECK(now[0] == 1);
}

TEST(checking_undoes_a_non_finite_update) {
  const Net n = net();
  // 1e30 * 1e30 * w overflows a float
  for (const OptimizerSettings& rule : {at_rate(1e30, adamw(1e30)), at_rate(1e30, sgd(0.5, false, 1e30))}) {
    auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
    Trainer trainer(model, n.loss, rule);
    trainer.set_checking(true);
    set_values(random_values(n.b.graph, 9, 2), 9, model.get(), &trainer.inputs());
    const std::vector<char> before(model->parameters(),
                                   model->parameters() + model->layout().parameter_bytes);
    CHECK_THROWS(trainer.step(9), "training step 1, update: 'w1'");
    CHECK(std::memcmp(before.data(), model->parameters(), before.size()) == 0);
    for (int32_t i = 0; i < max_states; ++i) {
      if (trainer.state(i) == nullptr) continue;
      for (int64_t byte = 0; byte < model->layout().parameter_bytes; ++byte)
        CHECK(trainer.state(i)[byte] == 0);
    }
    CHECK(trainer.progress().steps == 0);
  }
}

TEST(checking_trains_to_the_same_bits) {
  const Net n = net(Op::relu);
  std::vector<float> results[2];
  for (bool checking : {false, true}) {
    auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
    Trainer trainer(model, n.loss, at_rate(0.1, sgd()));
    trainer.set_checking(checking);
    set_values(random_values(n.b.graph, 50, 2), 50, model.get(), &trainer.inputs());
    for (int i = 0; i < 10; ++i) trainer.step(50);
    results[checking].resize(15);
    model->read_parameter(n.w1, results[checking].data(), 15);
  }
  CHECK(same_bits(results[0], results[1]));
}

TEST(checking_predictor_names_the_sample) {
  Builder b;
  const int32_t x = b.input(2, "x"), y = b.op(Op::log, {x});
  auto model = std::make_shared<Model>(b.graph, DType::float32, 3);
  Predictor predictor(model, {y});
  auto workspace = predictor.workspace();
  Values values(at(b.graph.size()));
  values[at(x)].assign(3000 * 2, 1.0);
  values[at(x)][2500 * 2 + 1] = 0;  // in the third chunk
  set_values(values, 3000, model.get(), &workspace->inputs());
  workspace->reserve_output(0, 3000);
  predictor.predict(*workspace, 3000);  // non-finite values are allowed without checking
  predictor.set_checking(true);
  CHECK_THROWS(predictor.predict(*workspace, 3000), "is -inf at batch row 2500, feature 1");
  values[at(x)][2500 * 2 + 1] = 1;
  set_values(values, 3000, model.get(), &workspace->inputs());
  predictor.predict(*workspace, 3000);
}

TEST(memory_of_gradients_adds_up) {
  const Net n = net();
  auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
  Gradients gradients(model, n.loss);
  set_values(random_values(n.b.graph, 50, 2), 50, model.get(), &gradients.inputs());
  CHECK(gradients.memory().gradients == 0 && gradients.memory().checks == 0);
  gradients.compute(50);
  CHECK(gradients.memory().parameters == model->layout().parameter_bytes);
  CHECK(gradients.memory().gradients == model->layout().parameter_bytes + 50 * 3 * 4);
  CHECK(gradients.memory().inputs == 50 * (3 + 2) * 4 && gradients.memory().arena > 0);
  gradients.statistics(50);
  CHECK(gradients.memory().checks > 0);
}

TEST(memory_of_a_trainer_adds_up) {
  const Net n = net();
  auto model = std::make_shared<Model>(n.b.graph, DType::float32, 3);
  Trainer trainer(model, n.loss, with_adam);
  MemoryUse use = trainer.memory();
  CHECK(use.arena == 0 && use.inputs == 0 && use.gradients == 0 && use.dataset == 0 && use.checks == 0);
  CHECK(use.parameters == model->layout().parameter_bytes && use.state == 2 * use.parameters);
  set_values(random_values(n.b.graph, 50, 2), 50, model.get(), &trainer.inputs());
  trainer.step(50);
  CHECK(trainer.memory().inputs == 50 * (3 + 2) * 4);
  CHECK(trainer.memory().arena > 0);
  trainer.set_checking(true);
  trainer.step(50);
  CHECK(trainer.memory().checks > 3 * use.parameters);
  Dataset dataset(100);
  dataset.add_column("x", ColumnType::float32, 3);
  dataset.add_column("t", ColumnType::float32, 2);
  trainer.bind(dataset, 10);
  CHECK(trainer.memory().dataset == 100 * (3 + 2) * 4 + 100 * 8);
}
