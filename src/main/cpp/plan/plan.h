// From a graph to a schedule that an engine runs many times: what is computed, in which phases, where each value lies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "graph/graph.h"
#include "optim/optimizer.h"

namespace chainrule {

struct PlanRequest {
  DType dtype = DType::float32;
  int64_t batch = 1;

  std::vector<int32_t> outputs;  // nodes to hand out, in the order of the output slots
  int32_t loss = -1;             // -1: predict only
  bool training = false;         // the forward pass is that of a training step, not of a prediction
  bool backward = false;         // compute gradients of all parameters that reach the loss
  bool update = false;           // apply them (else they go to Space::gradients)
  std::vector<int32_t>
      deltas;  // nodes whose δ to hand out, an input's its gradient, to the slots after the outputs
  OptimizerSettings optimizer;  // what the update looks like; its numbers come with each run (UpdateScalars)
  // δ of the loss, which may then be any node, comes with the data: [batch][feature] in the input slot after theirs. The
  // backward phases can be run again with another. Only what `deltas` need is computed, nothing goes to Space::gradients, and no steps are merged.
  bool seeded = false;
};

// Where each leaf lies in its space: byte offsets by node, multiples of 64.
struct LeafLayout {
  std::vector<int64_t> offsets;
  int64_t parameter_bytes = 0;
  int64_t constant_bytes = 0;
};
LeafLayout lay_out_leaves(const Graph& graph, DType dtype);

// What the values of a data slot must be: class indices from 0 to classes - 1, or targets in a loss's range.
struct DataCheck {
  int32_t slot;
  int32_t node;
  int64_t classes;  // of a label; else 0
  Targets targets;
};

// What a phase does, from shapes alone.
struct PhaseCost {
  double flops = 0;
  double bytes = 0;  // read and written, each operand of each step counted once
};

struct Plan {
  Program program;
  std::vector<bool> reads_slot;          // by data slot: must the caller bring data?
  std::vector<DataCheck> checks;         // of data, before a run
  std::vector<bool> trained;             // by node: parameters that get a gradient
  std::vector<PhaseCost> costs;          // one a phase
  std::vector<std::string> phase_texts;  // one a phase: what it computes and what was fused
  std::vector<std::string> notes;        // why something was not fused
};

// Compiles the request. Throws InvalidArgument when the loss is not a scalar, nothing is to be trained, or sizes
// overflow.
Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend);

// The program's matrix products alone, by the same kernels on the same tiles: the least that its arithmetic takes.
Program products_of(const Program& program);

// The phases with FLOPs, bytes and what was fused, as a table for people; with the seconds of each phase, when given,
// of a run or the mean of many.
std::string print_plan(const Plan& plan, const std::vector<double>& seconds = {});

}  // namespace chainrule
