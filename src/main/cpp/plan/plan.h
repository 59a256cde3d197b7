// Compiles a graph into a program that an engine runs many times: the steps, their phases, and the address of each
// value in its block of memory (Space).
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

  std::vector<int32_t> outputs;  // the nodes to return, in the order of the output slots
  int32_t loss = -1;             // -1: predict only
  bool training = false;         // the forward pass is that of a training step, not of a prediction
  bool backward = false;         // compute the gradients of all parameters that the loss depends on
  bool update = false;           // update the parameters; otherwise write their gradients to Space::gradients
  // The nodes whose δ is returned, in the output slots after those of `outputs`. δ of an input is its gradient.
  std::vector<int32_t> deltas;
  OptimizerSettings optimizer;  // selects the update; each run supplies the numbers (UpdateScalars)
  // The caller supplies the δ of the loss, called the seed (not related to the seed of random numbers), as
  // [batch][feature] in the input slot after those of the data. The loss can then be any node. The backward phases can
  // be run again with another seed. Only the δs that `deltas` need are computed. Nothing is written to
  // Space::gradients, and no steps are merged.
  bool seeded = false;
};

// The offset of each parameter and constant in its space, by node, in bytes. Offsets are multiples of 64; -1 for other
// nodes.
struct LeafLayout {
  std::vector<int64_t> offsets;
  int64_t parameter_bytes = 0;
  int64_t constant_bytes = 0;
};
LeafLayout lay_out_leaves(const Graph& graph, DType dtype);

// The allowed values of a data slot: class indices from 0 to classes - 1, or targets in the range of a loss.
struct DataCheck {
  int32_t slot;
  int32_t node;
  int64_t classes;  // of a label; 0 for targets
  Targets targets;
};

// The amount of work of a phase, computed from shapes.
struct PhaseCost {
  double flops = 0;
  double bytes = 0;  // bytes read and written, with each operand of each step counted once
};

struct Plan {
  Program program;
  std::vector<bool> reads_slot;          // by data slot: the caller must supply data
  std::vector<DataCheck> checks;         // the data checks before a run
  std::vector<bool> trained;             // by node: the node is a parameter and gets a gradient
  std::vector<PhaseCost> costs;          // by phase
  std::vector<std::string> phase_texts;  // by phase: what it computes and what was fused
  std::vector<std::string> notes;        // why something was not fused
};

// Compiles the request. Throws InvalidArgument if the loss is not a scalar, if there is nothing to train, or if sizes
// overflow.
Plan make_plan(const Graph& graph, const PlanRequest& request, Backend& backend);

// Returns a program with only the matrix products, on the same kernels and tiles. Its time is a lower bound for the
// time of the whole program.
Program products_of(const Program& program);

// Returns a readable table of the phases with their FLOPs, their bytes and what was fused. `seconds` holds the time of
// each phase, of one run or the mean of several; if it is not empty, the table also has times and rates.
std::string print_plan(const Plan& plan, const std::vector<double>& seconds = {});

}  // namespace chainrule
