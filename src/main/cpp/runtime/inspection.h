// Computes all values of a graph on a batch: the value of each node and, with a loss, its δ. Used for statistics and to
// find non-finite numbers. (Training has its own plan, which keeps fewer values.) One thread at a time; the caller must
// hold the model's mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/plan_runner.h"

namespace chainrule {

// The position of the first non-finite value.
struct Fault {
  bool found = false;
  bool backward = false;  // true: in a δ
  int32_t node = -1;
  int64_t row = 0;     // of the batch for a batched node, otherwise of the matrix
  int64_t column = 0;  // the feature for a batched node
  double value = 0;
};

// Returns the position of the first non-finite value among the `count` values of a node.
Fault first_fault(const Graph& graph, DType dtype, int32_t node, const char* values, int64_t count);

// Returns the position of the first non-finite value in the data of a batch. Checks the slots that the plan reads, in
// order, except labels, which are always finite.
Fault first_fault(const Model& model, const Inputs& inputs, const Plan& plan, int64_t batch);

// Returns "'hidden' (linear, [batch x 8]) is nan at batch row 36, feature 2". A batch row is a sample, counted from 0.
std::string describe(const Fault& fault, const Graph& graph);

// Returns the end of a message about a non-finite loss. If the data are not finite, the text says where, followed by
// `place`. Otherwise the text says how to find the node at which the non-finite values begin.
std::string cause(const Fault& in_data, const Graph& graph, const std::string& place);

class Inspection {
 public:
  // Computes `outputs`, `loss` (-1: none) and all nodes that they depend on. With a loss, computes them as a training
  // step does.
  Inspection(std::shared_ptr<const Model> model, std::vector<int32_t> outputs, int32_t loss);

  // Computes the values and δs of the `batch` samples that begin at `first`. With a loss, random operations use the
  // numbers of the training step that follows `steps_before` steps. Changes no parameter.
  void run(const char* operation, Inputs& inputs, int64_t first, int64_t batch, int64_t steps_before);

  // Results of the last run: [batch][feature] values of the model's type, or [rows][columns]. Null if there are none: a
  // label has no value; only the nodes on a path from a parameter or an input to the loss, both ends included, have a
  // δ.
  char* value(int32_t node) const;
  char* delta(int32_t node) const;
  int64_t count(int32_t node) const { return runner_->count(node); }
  int64_t batch() const { return runner_->request().batch; }

  // Returns the first non-finite value: nodes in forward order, then their δ in backward order. Rows are counted from
  // the first sample of the caller's batch.
  Fault first_fault() const;

  int64_t bytes() const { return runner_ ? runner_->bytes() : 0; }

 private:
  const std::shared_ptr<const Model> model_;
  PlanRequest request_;
  int64_t first_ = 0;
  std::unique_ptr<PlanRunner> runner_;  // for the batch size of the last run
};

}  // namespace chainrule
