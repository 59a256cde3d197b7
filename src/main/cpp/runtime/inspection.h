// Everything that a batch makes of a graph: the value of each node and, for a loss, its δ. For statistics and for finding
// faults; training has a plan of its own, which keeps less. One caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/inputs.h"
#include "runtime/plan_cache.h"

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

// "in the forward pass: 'hidden' (linear, [batch x 8]) is nan at batch row 36, feature 2"
std::string describe(const Fault& fault, const Graph& graph);

class Inspection {
 public:
  // Of all that `outputs` and, unless it is -1, `loss` depend on.
  Inspection(std::shared_ptr<const Model> model, std::vector<int32_t> outputs, int32_t loss);

  // Computes values and δs of the batch in `inputs`, which belong to the same model. No parameter changes.
  void run(const char* operation, Inputs& inputs, int64_t batch);

  // Of the last run: [batch][feature] values of the model's type, or [rows][columns]; null where there are none. A label
  // has no value; a δ have the nodes between the loss and a parameter or input, these included.
  char* value(int32_t node) const { return memory(values_, node); }
  char* delta(int32_t node) const { return memory(deltas_, node); }
  int64_t count(int32_t node) const;  // how many values each has
  int64_t batch() const { return batch_; }

  // In the order in which they are computed: nodes forward, then their δ backward.
  Fault first_fault() const;

 private:
  struct Slot {
    int32_t node;
    MemoryBlock memory;
  };

  static char* memory(const std::vector<Slot>& slots, int32_t node);
  bool check(const std::vector<Slot>& slots, size_t slot, Fault* fault) const;
  void reserve(Slot* slot, size_t output);

  const std::shared_ptr<const Model> model_;
  const int32_t loss_;
  std::vector<Slot> values_, deltas_;  // by node number, rising
  std::vector<void*> addresses_;       // of the values, then of the δs
  int64_t batch_ = 0;
  PlanCache plans_;
  MemoryBlock arena_;
  MemoryBlock gradients_;
};

}  // namespace chainrule
