// Everything that a batch makes of a graph: the value of each node and, for a loss, its δ. For statistics and for finding
// faults; training has a plan of its own, which keeps less. One caller at a time, who holds the model's mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

// Where the first value stands that is not finite.
struct Fault {
  bool found = false;
  bool backward = false;  // in a δ
  int32_t node = -1;
  int64_t row = 0;     // of the batch for a batched node, else of the matrix
  int64_t column = 0;  // the feature for a batched node
  double value = 0;
};

// Where the first of `count` values of a node stands that is not finite.
Fault first_fault(const Graph& graph, DType dtype, int32_t node, const char* values, int64_t count);

// The same for the data of a batch: of the slots that the plan reads, in order. Labels are always finite.
Fault first_fault(const Model& model, const Inputs& inputs, const Plan& plan, int64_t batch);

// "'hidden' (linear, [batch x 8]) is nan at batch row 36, feature 2"
std::string describe(const Fault& fault, const Graph& graph);

// What follows a sentence about a loss that is not finite: where the data are not, with the `place` of that row, or how to
// find the node where it begins.
std::string cause(const Fault& in_data, const Graph& graph, const std::string& place);

class Inspection {
 public:
  // Of all that `outputs` and, unless it is -1, `loss` depend on: with a loss, as a training step computes it.
  Inspection(std::shared_ptr<const Model> model, std::vector<int32_t> outputs, int32_t loss);

  // Computes values and δs of `batch` samples from `first` on, with a loss those of the training step that comes after so
  // many steps. No parameter changes.
  void run(const char* operation, Inputs& inputs, int64_t first, int64_t batch, int64_t steps_before);

  // Of the last run: [batch][feature] values of the model's type, or [rows][columns]; null where there are none. A label
  // has no value; a δ have the nodes between the loss and a parameter or input, these included.
  char* value(int32_t node) const;
  char* delta(int32_t node) const;
  int64_t count(int32_t node) const { return runner_->count(node); }
  int64_t batch() const { return runner_->request().batch; }

  // In the order in which they are computed: nodes forward, then their δ backward. Rows count from the first sample of
  // the caller's batch.
  Fault first_fault() const;

  int64_t bytes() const { return runner_ ? runner_->bytes() : 0; }

 private:
  const std::shared_ptr<const Model> model_;
  PlanRequest request_;
  int64_t first_ = 0;
  std::unique_ptr<PlanRunner> runner_;  // for the batch size that came last
};

}  // namespace chainrule
