#include "plan/plan.h"

#include <algorithm>
#include <cstdio>

#include "graph/backward.h"
#include "ops/rules.h"
#include "ops/softmax_cross_entropy.h"
#include "plan/draft.h"
#include "plan/lowering.h"
#include "plan/testing.h"

namespace chainrule {

namespace {

void check_request(const Graph& graph, const PlanRequest& request) {
  REQUIRE(request.batch > 0, "plan: expected a batch of at least one sample, but got ", request.batch);
  for (int32_t output : request.outputs) {
    REQUIRE(graph.node(output).op != Op::label,
            "a class label cannot be an output: ", graph.describe(output));
  }
  for (int32_t id : request.deltas) graph.node(id);
  REQUIRE(request.loss >= 0 || !request.backward, "a backward pass needs a loss, but got none");
  if (request.loss < 0) {
    REQUIRE(!request.outputs.empty(), "nothing to compute: expected an output or a loss, but got none");
    return;
  }
  const Node& loss = graph.node(request.loss);
  if (request.seeded) return;
  REQUIRE(loss.shape.is_scalar(), "the loss must be a scalar, but got ", graph.describe(request.loss),
          loss.shape.batched ? "; use batch_mean for the mean over the batch" : "");
}

// Returns the step with the operands of the engine, computed from those of the draft.
Step resolved(const DraftStep& drafted, const std::vector<Value>& values) {
  Step step = drafted.step;
  for (int32_t i = 0; i < max_operands; ++i) {
    const Ref& ref = drafted.refs[i];
    if (!ref.present()) continue;
    const Value& value = values[static_cast<size_t>(ref.value)];
    step.operands[i] = {value.space,    value.slot,        value.offset + ref.offset,
                        ref.row_stride, ref.column_stride, value.bytes - ref.offset};
    step.writes[i] = drafted.writes[i];
  }
  return step;
}

std::string format(const char* how, double number) {
  char text[48];
  std::snprintf(text, sizeof text, how, number);
  return text;
}

double flops(const Step& step) {
  double elements = static_cast<double>(step.rows) * static_cast<double>(step.columns);
  return step.kind == StepKind::product
             ? 2 * elements * static_cast<double>(step.k) / static_cast<double>(step.parts)
             : elements;
}

// Returns the bytes that a step reads and writes, with each operand counted once.
double bytes(const Step& step, DType dtype) {
  double count = 0;
  for (int32_t i = 0; i < max_operands; ++i) {
    const Operand& operand = step.operands[i];
    if (!operand.present()) continue;
    double rows = static_cast<double>(step.rows), columns = static_cast<double>(step.columns);
    if (step.kind == StepKind::product && i > 0) rows /= static_cast<double>(step.parts);
    if (step.kind == StepKind::sum_parts && i == 1) rows *= static_cast<double>(step.parts);
    if (step.kind == StepKind::product && i == 1) columns = static_cast<double>(step.k);
    if (step.kind == StepKind::product && i == 2) rows = static_cast<double>(step.k);
    if (operand.row_stride == 0) rows = 1;
    if (operand.column_stride == 0) columns = 1;
    count += rows * columns;
  }
  return count * static_cast<double>(size_of(dtype));
}

// Returns the text of a phase. `steps` holds the indices of its steps in the draft.
std::string phase_text(const Draft& draft, const std::vector<int32_t>& steps, const Program& program,
                       int32_t first_step, const Backend& backend) {
  std::string what;
  int32_t step = first_step;
  for (int32_t index : steps) {
    const DraftStep& drafted = draft.steps[static_cast<size_t>(index)];
    what += (what.empty() ? "" : ", ") + drafted.text;
    if (drafted.step.kind == StepKind::product) {
      what += message(" [", backend.product_by(program, step), "]");
    }
    ++step;
  }
  return what;
}

// Returns "128 x 784 x 64" for a product of [128 x 784] by [784 x 64], otherwise the rows and columns of the domain.
std::string shape_text(const Program& program, const Phase& phase) {
  const Step& step = program.steps[static_cast<size_t>(phase.first_step)];
  if (step.kind != StepKind::product) return message(phase.rows, " x ", phase.columns);
  return message(step.rows / step.parts, " x ", step.k, " x ", step.columns);
}

PhaseCost cost(const Program& program, const Phase& phase) {
  PhaseCost sum;
  for (int32_t i = 0; i < phase.steps; ++i) {
    const Step& step = program.steps[static_cast<size_t>(phase.first_step + i)];
    sum.flops += flops(step);
    sum.bytes += bytes(step, program.dtype);
  }
  return sum;
}

// Returns the checks of labels and of data that are targets of a loss with a restricted range. Computed targets are not
// checked.
std::vector<DataCheck> data_checks(const Graph& graph, const PlanRequest& request,
                                   const std::vector<bool>& reads_slot) {
  std::vector<DataCheck> checks;
  const std::vector<int32_t>& data = graph.data_nodes();
  const auto slot_of = [&](int32_t id) {
    return static_cast<int32_t>(std::find(data.begin(), data.end(), id) - data.begin());
  };
  for (size_t slot = 0; slot < data.size(); ++slot) {
    const Node& node = graph.node(data[slot]);
    if (node.op == Op::label && reads_slot[slot]) {
      checks.push_back({static_cast<int32_t>(slot), data[slot], node.shape.rows, Targets::any});
    }
  }
  std::vector<int32_t> computed = request.outputs;
  if (request.loss >= 0) computed.push_back(request.loss);
  const std::vector<bool> needed = needed_for(graph, computed);
  for (int32_t id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (!needed[static_cast<size_t>(id)] || kind_of(node.op) != Kind::loss) continue;
    const Targets targets =
        visit_loss(node.op, SoftmaxCrossEntropy::targets, [](auto rule) { return decltype(rule)::targets; });
    const int32_t given = node.inputs[1];
    const Op op = graph.node(given).op;
    if (targets == Targets::any || (op != Op::target && op != Op::input)) continue;
    checks.push_back({slot_of(given), given, 0, targets});
  }
  return checks;
}

}  // namespace

Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend) {
  return make_plan(graph, request, backend, {});
}

Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend, const PlanTesting& testing) {
  check_request(graph, request);
  Lowering lowering(graph, request, backend, testing);
  if (request.backward) {
    bool any = false;
    for (int32_t id : graph.parameters()) any = any || lowering.delta[static_cast<size_t>(id)];
    REQUIRE(any || !request.update, "nothing to train: no parameter reaches the loss ",
            graph.describe(request.loss));
    REQUIRE(lowering.delta[static_cast<size_t>(request.loss)],
            "no gradient to compute: neither a parameter nor an input reaches the loss ",
            graph.describe(request.loss));
  }
  lowering.run();
  Draft& draft = lowering.draft;
  if (request.loss >= 0) draft.checked = lowering.loss_node_value();
  Schedule scheduled = schedule(draft, request.dtype, backend, testing.merge_steps && !request.seeded);

  Plan plan;
  Program& program = plan.program;
  program.dtype = request.dtype;
  program.batch = request.batch;
  program.backward_begin = scheduled.backward_begin;
  program.arena_bytes = scheduled.arena_bytes;
  for (size_t p = 0; p < scheduled.phases.size(); ++p) {
    Phase& phase = scheduled.phases[p];
    phase.first_step = static_cast<int32_t>(program.steps.size());
    phase.steps = static_cast<int32_t>(scheduled.steps[p].size());
    for (int32_t index : scheduled.steps[p]) {
      program.steps.push_back(resolved(draft.steps[static_cast<size_t>(index)], draft.values));
    }
  }
  program.phases = scheduled.phases;
  if (request.loss >= 0) {
    const Value& value = draft.values[static_cast<size_t>(lowering.loss_node_value())];
    program.loss = {value.space, value.slot, value.offset, 0, 1};
  }
  backend.prepare(program);

  for (size_t p = 0; p < program.phases.size(); ++p) {
    const Phase& phase = program.phases[p];
    plan.costs.push_back(cost(program, phase));
    plan.phase_texts.push_back(phase_text(draft, scheduled.steps[p], program, phase.first_step, backend));
  }
  plan.notes = lowering.notes;
  plan.reads_slot = lowering.reads_slot;
  plan.checks = data_checks(graph, request, plan.reads_slot);
  plan.trained.assign(static_cast<size_t>(graph.size()), false);
  for (int32_t id : graph.parameters())
    plan.trained[static_cast<size_t>(id)] = lowering.delta[static_cast<size_t>(id)];
  return plan;
}

Program products_of(const Program& program) {
  Program only = program;
  only.steps.clear();
  only.phases.clear();
  for (const Phase& phase : program.phases) {
    Phase kept = phase;
    kept.first_step = static_cast<int32_t>(only.steps.size());
    for (int32_t i = 0; i < phase.steps; ++i) {
      const Step& step = program.steps[static_cast<size_t>(phase.first_step + i)];
      if (step.kind == StepKind::product) only.steps.push_back(step);
    }
    kept.steps = static_cast<int32_t>(only.steps.size()) - kept.first_step;
    if (kept.steps > 0) only.phases.push_back(kept);
  }
  return only;
}

std::string print_plan(const Plan& plan, const std::vector<double>& seconds) {
  const Program& program = plan.program;
  std::string text = message("batch ", program.batch, ", ", name_of(program.dtype), ", ",
                             program.phases.size(), " phases, arena ", program.arena_bytes, " bytes\n");
  double total = 0;
  for (double phase : seconds) total += phase;
  if (!seconds.empty()) text += message(format("%.3f", total * 1e3), " ms\n");
  for (size_t p = 0; p < program.phases.size(); ++p) {
    if (p == 0 && program.backward_begin > 0) text += "forward\n";
    if (static_cast<int32_t>(p) == program.backward_begin) text += "backward\n";
    const PhaseCost& cost = plan.costs[p];
    const std::string shape = shape_text(program, program.phases[p]);
    text += format("%3.0f", static_cast<double>(p)) +
            std::string(shape.size() < 20 ? 20 - shape.size() : 1, ' ') + shape +
            format(" %10.3f MFLOP", cost.flops / 1e6) + format(" %10.3f MB", cost.bytes / 1e6) +
            format(" %3.0f tiles", static_cast<double>(program.phases[p].grid.tiles()));
    if (!seconds.empty()) {
      text += format(" %9.4f ms", seconds[p] * 1e3) +
              format(" %5.1f %%", total > 0 ? 100 * seconds[p] / total : 0.0);
      // An update that shares the kernel launch of another update has no time of its own, and so no rate.
      if (seconds[p] > 0) {
        text += format(" %6.1f GFLOP/s", cost.flops / seconds[p] / 1e9) +
                format(" %6.1f GB/s", cost.bytes / seconds[p] / 1e9);
      } else {
        text += std::string(27, ' ');
      }
    }
    text += "  " + plan.phase_texts[p] + "\n";
  }
  for (const std::string& note : plan.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace chainrule
