// The plan: merging steps changes no bit, updates run after the check of the loss, and only requested values are
// computed.
#include "plan/plan.h"

#include "cases.h"
#include "graph/backward.h"
#include "graph_builder.h"
#include "harness.h"
#include "plan_run.h"

using namespace test;

namespace {

// Returns a network of common operations. Its steps are cut into tiles if `n` is large.
GraphCase network(int64_t n) {
  Builder b;
  const int32_t x = b.input(n, "x");
  int32_t h = b.op(Op::relu, {b.layer(x, 2 * n)});
  h = b.op(Op::gelu, {b.layer(h, n)});
  h = b.op(Op::add, {b.op(Op::sigmoid, {b.layer(h, n)}), h});
  const int32_t logits = b.layer(h, 10);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.label(10)});
  return {"network", std::move(b.graph), loss};
}

const std::vector<OptimizerSettings> rules = {
    sgd(),      sgd(0, false, 0.01), sgd(0.9), sgd(0.9, true, 0.01), sgd(0.9, false, 0.01),
    adam(0.01), rmsprop(0.9, true)};

template <class T>
[[gnu::noinline]] bool same_parameters(PlanRun<T>& a, PlanRun<T>& b, const Graph& graph) {
  bool same = true;
  for (int32_t id : graph.parameters()) same = same && same_bits(a.parameter(id), b.parameter(id));
  return same;
}

template <class T>
void merging_changes_no_bit(const GraphCase& c, int64_t batch, const OptimizerSettings& rule) {
  const Values values = random_values(c.graph, batch, 3);
  const PlanRequest request = training(c.loss, batch, rule);
  PlanRun<T> merged(c.graph, request, values);
  PlanRun<T> apart(c.graph, request, values, steps_apart());
  CHECK(merged.plan().program.phases.size() < apart.plan().program.phases.size());
  merged.update = apart.update = scalars(rule, 1, 0.05);
  for (int i = 0; i < 3; ++i) {
    merged.forward();
    apart.forward();
    CHECK(std::isfinite(merged.loss()));  // read between the passes: the backward pass may use its memory
    CHECK(merged.loss() == apart.loss());
    merged.backward();
    apart.backward();
  }
  CHECK(same_parameters(merged, apart, c.graph));
}

int products(const Plan& plan) {
  int count = 0;
  for (const Step& step : plan.program.steps) count += step.kind == StepKind::product;
  return count;
}

}  // namespace

TEST(plan_merging_changes_no_bit) {
  for (const OptimizerSettings& rule : rules) {
    for (int64_t batch : {1, 7, 33}) {
      merging_changes_no_bit<float>(network(12), batch, rule);
      merging_changes_no_bit<double>(network(12), batch, rule);
    }
    merging_changes_no_bit<float>(network(300), 150, rule);
    merging_changes_no_bit<double>(network(300), 150, rule);
  }
}

TEST(plan_merging_changes_no_bit_on_the_table_of_cases) {
  std::vector<GraphCase> cases = composite_cases();
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op, true)) cases.push_back(std::move(c));
  }
  for (const GraphCase& c : cases) {
    const int64_t batch = 200;
    const Values values = random_values(c.graph, batch, 3);
    PlanRequest request = training(c.loss, batch);
    request.update = false;
    PlanRun<float> merged(c.graph, request, values);
    PlanRun<float> apart(c.graph, request, values, steps_apart());
    for (PlanRun<float>* run : {&merged, &apart}) {
      run->forward();
      run->backward();
    }
    for (int32_t id = 0; id < c.graph.size(); ++id) {
      const Op op = c.graph.node(id).op;
      if (op != Op::parameter && op != Op::input) continue;
      if (!needed_for(c.graph, {c.loss})[at(id)]) continue;
      if (!same_bits(merged.gradient(id), apart.gradient(id)))
        fail(c.name.c_str(), id, "merged and separate steps differ");
    }
  }
}

TEST(plan_updates_inside_products_agree) {
  for (const OptimizerSettings& rule : rules) {
    const GraphCase c = network(24);
    const Values values = random_values(c.graph, 16, 4);
    const PlanRequest request = training(c.loss, 16, rule);
    PlanRun<double> direct(c.graph, request, values);
    PlanRun<double> buffered(c.graph, request, values, updates_in_products(false));
    direct.update = buffered.update = scalars(rule, 1, 0.05);
    for (int i = 0; i < 5; ++i) {
      for (PlanRun<double>* run : {&direct, &buffered}) {
        run->forward();
        run->backward();
      }
    }
    for (int32_t id : c.graph.parameters()) {
      const std::vector<double> a = direct.parameter(id), b = buffered.parameter(id);
      for (size_t i = 0; i < a.size(); ++i)
        CHECK_NEAR(a[i], b[i], 1e-12);  // the same few sums in different orders
    }
  }
}

TEST(plan_writes_no_parameter_before_the_loss_is_known) {
  for (const OptimizerSettings& rule : rules) {
    const GraphCase c = network(12);
    PlanRun<float> run(c.graph, training(c.loss, 7, rule), random_values(c.graph, 7, 5));
    run.update = scalars(rule, 1, 0.05);
    std::vector<std::vector<float>> before;
    for (int32_t id : c.graph.parameters()) before.push_back(run.parameter(id));
    run.forward();
    size_t i = 0;
    for (int32_t id : c.graph.parameters()) CHECK(same_bits(before[i++], run.parameter(id)));
    run.backward();
    i = 0;
    for (int32_t id : c.graph.parameters()) CHECK(!same_bits(before[i++], run.parameter(id)));
  }
}

// Three layers have three products forward, three for the weights and two for δ. The δ of the input needs another one,
// but is computed only if it is requested.
TEST(plan_computes_only_requested_gradients) {
  Builder b;
  const int32_t x = b.input(5);
  const int32_t logits = b.layer(b.op(Op::relu, {b.layer(b.op(Op::relu, {b.layer(x, 6)}), 7)}), 3);
  const int32_t loss = b.op(Op::softmax_cross_entropy, {logits, b.label(3)});
  PlanRequest request = training(loss, 8);
  CHECK(products(make_plan(b.graph, request, cpu_backend())) == 8);
  request.update = false;
  CHECK(products(make_plan(b.graph, request, cpu_backend())) == 8);
  request.deltas = {x};
  CHECK(products(make_plan(b.graph, request, cpu_backend())) == 9);
  request.backward = false;
  CHECK(products(make_plan(b.graph, request, cpu_backend())) == 3);
}

TEST(plan_reuses_memory) {
  // Predicting through twenty equal layers needs two values at a time, not twenty.
  Builder b;
  int32_t h = b.input(200);
  for (int i = 0; i < 20; ++i) h = b.op(Op::tanh, {b.layer(h, 200)});
  PlanRequest request;
  request.batch = 256;
  request.outputs = {h};
  const Plan plan = make_plan(b.graph, request, cpu_backend());
  CHECK(plan.program.arena_bytes <= 2 * 200 * 256 * 4);
}

TEST(plan_refuses_what_cannot_be_trained) {
  Builder b;
  const int32_t x = b.input(2, "x");
  const int32_t z = b.product(Op::linear, {x, b.constant(2, 2)});
  CHECK_THROWS(make_plan(b.graph, training(z, 4), cpu_backend()), "the loss must be a scalar");
  const int32_t loss = b.op(Op::squared_error, {z, b.target(2)});
  CHECK_THROWS(make_plan(b.graph, training(loss, 4), cpu_backend()), "no parameter reaches the loss");
  CHECK_THROWS(make_plan(b.graph, training(loss, 0), cpu_backend()), "at least one sample");
  PlanRequest none;
  CHECK_THROWS(make_plan(b.graph, none, cpu_backend()), "expected an output or a loss, but got none");
}

// A phase has no measured time if its updates share the launch of another phase, or if nothing was measured at all.
TEST(plan_prints_no_rate_for_phases_without_a_time) {
  Builder b;
  const int32_t loss = b.op(Op::squared_error, {b.layer(b.input(20), 10), b.target(10)});
  const Plan plan = make_plan(b.graph, training(loss, 4), cpu_backend());
  std::vector<double> seconds(plan.program.phases.size(), 0.0);
  CHECK(seconds.size() >= 2);
  const auto count = [](const std::string& text, const std::string& word) {
    size_t found = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  for (size_t timed : {seconds.size() - 1, seconds.size()}) {  // the number of phases without a time
    if (timed < seconds.size()) seconds[0] = 1e-3;
    const std::string text = print_plan(plan, seconds);
    CHECK(count(text, "GFLOP/s") == seconds.size() - timed);
    CHECK(count(text, "GB/s") == seconds.size() - timed);
    CHECK(count(text, "inf") == 0 && count(text, "nan") == 0);
    CHECK(count(text, " %") == seconds.size());
    seconds[0] = 0;
  }
}
