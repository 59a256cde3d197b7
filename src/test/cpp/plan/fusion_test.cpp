// The plan is free to choose how steps are merged and where values are stored. These choices change no bit of any
// result.
#include "graph/backward.h"
#include "harness.h"
#include "plan_run.h"
#include "random_graph.h"
#include "team_threads.h"

using namespace test;

namespace {

constexpr uint64_t graphs = 60;

template <class T>
void run_all(PlanRun<T>& run) {
  run.update = scalars(run.optimizer(), 1, 0.05);
  run.forward();
  run.backward();
}

std::vector<int32_t> all_values(const Graph& graph) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < graph.size(); ++id) {
    if (graph.node(id).op != Op::label) ids.push_back(id);
  }
  return ids;
}

// Returns true if `a` and `b` have the same bits in all gradients of leaves that reach the loss, without NaN, or with
// `update` in all parameters.
template <class T>
bool same_results(const GraphCase& c, PlanRun<T>& a, PlanRun<T>& b, bool update) {
  const std::vector<bool> used = needed_for(c.graph, {c.loss});
  bool same = true;
  for (int32_t id = 0; id < c.graph.size(); ++id) {
    const Op op = c.graph.node(id).op;
    if (op == Op::parameter && update) same = same && same_bits(a.parameter(id), b.parameter(id));
    if (update || !used[at(id)] || (op != Op::parameter && op != Op::input)) continue;
    for (T g : a.gradient(id)) same = same && !std::isnan(g);
    same = same && same_bits(a.gradient(id), b.gradient(id));
  }
  return same;
}

bool trains_something(const GraphCase& c) {
  const std::vector<bool> used = needed_for(c.graph, {c.loss});
  bool trains = false;
  for (int32_t id : c.graph.parameters()) trains = trains || used[at(id)];
  return trains;
}

template <class T>
void check_merging(const GraphCase& c, int64_t batch, const Values& values) {
  PlanRequest request;
  request.batch = batch;
  request.loss = c.loss;
  request.backward = true;
  request.outputs = all_values(c.graph);
  const int updates = trains_something(c) ? 4 : 1;
  for (int update = 0; update < updates; ++update) {
    request.update = update > 0;
    request.optimizer = update == 3 ? adam(0.01) : sgd(update == 2 ? 0.9 : 0);
    PlanRun<T> merged(c.graph, request, values);
    PlanRun<T> apart(c.graph, request, values, steps_apart());
    for (PlanRun<T>* run : {&merged, &apart}) run_all(*run);
    bool same = same_results(c, merged, apart, request.update);
    for (size_t i = 0; i < request.outputs.size(); ++i)
      same = same && same_bits(merged.output(i), apart.output(i));
    if (!same) fail(c.name.c_str(), update, "merged and separate steps differ");
  }
}

// If every value is an output, nothing runs in place and no value's memory is reused. A plan that reuses memory must
// give the same results.
template <class T>
void check_memory(const GraphCase& c, int64_t batch, const Values& values) {
  PlanRequest request;
  request.batch = batch;
  request.loss = c.loss;
  request.backward = true;
  const PlanTesting buffered =
      updates_in_products(false);  // the update of a parameter that is an output always reads a buffer
  for (bool update : {false, true}) {
    request.update = update;
    request.outputs.clear();
    PlanRun<T> tight(c.graph, request, values, buffered);
    request.outputs = all_values(c.graph);
    PlanRun<T> loose(c.graph, request, values, buffered);
    CHECK(tight.arena_bytes() <= loose.arena_bytes());
    for (PlanRun<T>* run : {&tight, &loose}) run_all(*run);
    if (!same_results(c, tight, loose, update))
      fail(c.name.c_str(), update, "results differ when memory is reused");
  }
}

}  // namespace

TEST(plan_merging_changes_no_bit_of_random_graphs) {
  for (uint64_t seed = 1; seed <= graphs; ++seed) {
    const GraphCase c = random_graph(seed);
    const int64_t batch =
        seed % 10 == 0 ? 2000 : 1 + static_cast<int64_t>(seed % 9);  // some are cut into tiles
    const Values values = random_values(c.graph, batch, seed);
    check_merging<float>(c, batch, values);
    check_merging<double>(c, batch, values);
  }
}

// Large batches of narrow layers. All steps of a tile run after each other, including products and sums over the batch.
TEST(plan_merging_changes_no_bit_of_large_batches) {
  std::vector<GraphCase> cases = composite_cases();
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op)) cases.push_back(std::move(c));
  }
  for (const GraphCase& c : cases) {
    for (int64_t batch : {1024, 1801}) {
      const Values values = random_values(c.graph, batch, 1);
      check_merging<float>(c, batch, values);
      check_merging<double>(c, batch, values);
    }
  }
}

// One phase runs from the input to the partial sums of the gradients, and its values stay in their thread. The other
// phases only add up these sums.
TEST(plan_runs_narrow_layers_tile_by_tile_on_any_number_of_threads) {
  const TeamThreads keep;
  Builder b;
  int32_t h = b.input(24);
  for (Op op : {Op::relu, Op::tanh}) h = b.op(op, {b.layer(h, 40)});
  const int32_t loss = b.op(Op::mean_squared_error, {b.layer(h, 1), b.target(1)});
  const GraphCase c{"narrow", std::move(b.graph), loss};
  for (int64_t batch : {2048, 5003}) {
    const Values values = random_values(c.graph, batch, 1);
    check_merging<float>(c, batch, values);
    check_merging<double>(c, batch, values);
    PlanRequest request;
    request.batch = batch;
    request.loss = loss;
    request.backward = request.update = true;
    PlanRun<float> alone(c.graph, request, values), together(c.graph, request, values);
    const Program& program = alone.plan().program;
    CHECK(program.phases.size() == 3);
    CHECK(program.phases[0].uses_scratch && program.backward_begin == 2);
    CHECK(alone.arena_bytes() < batch * 24 * 4);
    set_team_threads(1);
    run_all(alone);
    set_team_threads(3);
    run_all(together);
    CHECK(same_results(c, alone, together, true));
  }
}

// A wide product is cut by columns into tiles. Sums over samples have parts that are longer than these tiles. A part
// must be computed as a whole, so the sums must not be merged into the product's phase.
TEST(plan_merges_sums_in_parts_only_with_tiles_of_the_same_length) {
  const TeamThreads keep(4);
  for (int64_t narrow : {64, 96, 512}) {
    Builder b;
    const int32_t x = b.input(784);
    const int32_t code = b.op(Op::sigmoid, {b.layer(x, narrow)});
    const int32_t loss = b.op(Op::mean_squared_error, {b.layer(code, 784), b.target(784)});
    PlanRequest request;
    request.batch = 1024;
    request.loss = loss;
    request.backward = true;
    const Values values = random_values(b.graph, request.batch, 1);
    PlanRun<float> merged(b.graph, request, values);
    const Program& program = merged.plan().program;
    for (const Phase& phase : program.phases) {
      for (int32_t i = 0; i < phase.steps && phase.grid.only_columns(); ++i) {
        const Step& step = program.steps[at(phase.first_step + i)];
        CHECK(step.parts == 1 || step.kind == StepKind::sum_parts ||
              step.part_depth == phase.grid.tile_columns);
      }
    }
    PlanRun<float> apart(b.graph, request, values, steps_apart());
    for (PlanRun<float>* run : {&merged, &apart}) run_all(*run);
    CHECK(same_results({"autoencoder", b.graph, loss}, merged, apart, false));
  }
}

// The steps after a tile's product alternate with it, a few rows at a time. So their values must not share scratch
// memory, even if one step in the plan ends before the next begins.
TEST(plan_scratch_is_not_shared_by_steps_that_alternate) {
  Builder b;
  const int32_t z = b.product(Op::matmul, {b.input(8), b.parameter(16, 8)});
  const int32_t t = b.op(Op::multiply, {z, b.op(Op::tanh, {z})});
  const int32_t a = b.product(Op::matmul, {b.op(Op::square, {t}), b.parameter(24, 16)});
  PlanRequest request;
  request.batch = 1024;
  request.outputs = {a, b.slice(t, 0, 8)};
  const Values values = random_values(b.graph, request.batch, 1);
  PlanRun<float> merged(b.graph, request, values);
  CHECK(merged.plan().program.phases[0].uses_scratch);
  PlanRun<float> apart(b.graph, request, values, steps_apart());
  for (PlanRun<float>* run : {&merged, &apart}) run->forward();
  for (size_t i = 0; i < 2; ++i) CHECK(same_bits(merged.output(i), apart.output(i)));
}

TEST(plan_reusing_memory_changes_no_bit) {
  std::vector<GraphCase> cases = composite_cases();
  for (uint64_t seed = 1; seed <= graphs; ++seed) cases.push_back(random_graph(seed));
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op)) cases.push_back(std::move(c));
  }
  for (const GraphCase& c : cases) {
    const Values values = random_values(c.graph, 9, 1);
    if (!trains_something(c)) continue;
    check_memory<float>(c, 9, values);
    check_memory<double>(c, 9, values);
  }
}

// Updates inside products and from buffers give the same sums with different rounding. This holds only if the gradients
// of all uses of a shared parameter are added and no use reads a parameter that is already updated.
TEST(plan_updates_inside_products_agree_on_the_table_of_cases) {
  std::vector<GraphCase> cases = composite_cases();
  for (uint64_t seed = 1; seed <= graphs; ++seed) cases.push_back(random_graph(seed));
  for (Op op : operations()) {
    for (GraphCase& c : cases_of(op)) cases.push_back(std::move(c));
  }
  int fused = 0;
  for (const GraphCase& c : cases) {
    if (!trains_something(c)) continue;
    const Values values = random_values(c.graph, 9, 1);
    PlanRequest request;
    request.batch = 9;
    request.loss = c.loss;
    request.backward = request.update = true;
    for (double momentum : {0.0, 0.9}) {
      request.optimizer = sgd(momentum);
      PlanRun<double> inside(c.graph, request, values);
      PlanRun<double> buffered(c.graph, request, values, updates_in_products(false));
      for (PlanRun<double>* run : {&inside, &buffered}) {
        run->update = scalars(request.optimizer, 1, 1e-3);
        for (int i = 0; i < 2; ++i) {  // in the second step the velocity is no longer just the gradient
          run->forward();
          run->backward();
        }
      }
      fused += inside.plan().program.steps.size() < buffered.plan().program.steps.size();
      for (int32_t id : c.graph.parameters()) {
        const std::vector<double> a = inside.parameter(id), b = buffered.parameter(id);
        for (size_t i = 0; i < a.size(); ++i) {
          if (!(std::abs(a[i] - b[i]) <=
                1e-12 * std::max(1.0, std::abs(b[i])))) {  // the rounding of a few sums
            fail(c.name.c_str(), id, message("inside the product ", a[i], ", from a buffer ", b[i]));
          }
        }
      }
    }
  }
  CHECK(fused > 100);
}

// The δ of the loss is a phase of one tile. Wᵀδ is cut into two tiles, but δxᵀ is not, so the update of W could be
// merged into the first phase. It must wait until Wᵀδ has read W.
TEST(plan_writes_a_weight_after_its_last_reader) {
  Builder b;
  const int32_t h = b.op(Op::tanh, {b.layer(b.input(5), 9)});
  const int32_t loss = b.op(Op::square, {b.op(Op::mean_squared_error, {b.layer(h, 300), b.target(300)})});
  const GraphCase c{"weight", std::move(b.graph), loss};
  const Values values = random_values(c.graph, 37, 1);
  check_merging<float>(c, 37, values);
  check_merging<double>(c, 37, values);
}

// The loss is read between the passes. Until then no other output may reuse its memory.
TEST(plan_keeps_the_loss_until_it_is_read) {
  Builder b;
  const int32_t x = b.input(3);
  const int32_t loss = b.op(Op::squared_error, {b.layer(x, 2), b.target(2)});
  const int32_t large = b.op(Op::exp, {b.layer(x, 600)});
  const Values values = random_values(b.graph, 64, 1);
  PlanRequest request;
  request.batch = 64;
  request.loss = loss;
  PlanRun<float> alone(b.graph, request, values);
  request.outputs = {large};
  PlanRun<float> together(b.graph, request, values);
  alone.forward();
  together.forward();
  CHECK(std::isfinite(alone.loss()) && alone.loss() == together.loss());
}

// A parameter or input that does not reach the loss gets no gradient. Such a parameter is not trained and not updated.
TEST(plan_does_not_train_parameters_that_do_not_reach_the_loss) {
  Builder b;
  const int32_t x = b.input(3), other = b.input(2), w = b.parameter(2, 3), unused = b.parameter(4, 2);
  const int32_t loss = b.op(Op::squared_error, {b.product(Op::linear, {x, w}), b.target(2)});
  const int32_t elsewhere = b.product(Op::linear, {other, unused});
  const Values values = random_values(b.graph, 5, 1);
  PlanRequest request;
  request.batch = 5;
  request.loss = loss;
  request.backward = true;
  request.outputs = {elsewhere};
  PlanRun<double> gradients(b.graph, request, values);
  run_all(gradients);
  CHECK(gradients.plan().trained[at(w)] && !gradients.plan().trained[at(unused)]);
  for (double g : gradients.gradient(w)) CHECK(std::isfinite(g));
  for (double g : gradients.gradient(unused)) CHECK(std::isnan(g));  // still poisoned
  for (double g : gradients.gradient(other)) CHECK(std::isnan(g));
  request.update = true;
  for (OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw}) {
    request.optimizer = kind;
    PlanRun<double> update(b.graph, request, values);
    const std::vector<double> before = update.parameter(unused), trained = update.parameter(w);
    run_all(update);
    CHECK(same_bits(before, update.parameter(unused)));
    CHECK(!same_bits(trained, update.parameter(w)));
  }
}

// The gradient of a parameter with two uses is the sum of the gradients of two parameters with the same values.
TEST(plan_adds_up_the_gradients_of_a_shared_parameter) {
  Builder shared, separate;
  std::vector<int32_t> weights[2];
  int32_t losses[2], number = 0;
  for (Builder* b : {&shared, &separate}) {
    const int32_t x = b->input(3), first = b->parameter(3, 3);
    const int32_t second = b == &shared ? first : b->parameter(3, 3);
    weights[number] = {first, second};
    const int32_t h = b->op(Op::tanh, {b->product(Op::linear, {x, first})});
    losses[number++] = b->op(Op::squared_error, {b->product(Op::linear, {h, second}), b->target(3)});
  }
  std::vector<double> gradients[2][2];
  for (int i = 0; i < 2; ++i) {
    const Graph& graph = i == 0 ? shared.graph : separate.graph;
    Values values = random_values(graph, 6, 1);
    Values data = random_values(shared.graph, 6, 1);
    values[at(weights[i][1])] = values[at(weights[i][0])];
    for (size_t slot = 0; slot < 2; ++slot) {
      values[at(graph.data_nodes()[slot])] = data[at(shared.graph.data_nodes()[slot])];
    }
    PlanRequest request;
    request.batch = 6;
    request.loss = losses[i];
    request.backward = true;
    PlanRun<double> run(graph, request, values);
    run_all(run);
    for (int k = 0; k < 2; ++k) gradients[i][k] = run.gradient(weights[i][at(k)]);
  }
  for (size_t i = 0; i < 9; ++i) {
    CHECK_NEAR(gradients[0][0][i], gradients[1][0][i] + gradients[1][1][i],
               1e-14);  // one rounding of numbers near 1
  }
}

TEST(plan_backward_needs_a_loss) {
  Builder b;
  const int32_t y = b.layer(b.input(2), 2);
  PlanRequest request;
  request.outputs = {y};
  request.backward = true;
  CHECK_THROWS(make_plan(b.graph, request, cpu_backend()), "loss");
}
