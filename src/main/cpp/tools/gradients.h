// Computes the gradients of a loss with respect to parameters and inputs, and statistics of each node, on a batch.
// Needs no optimizer and changes nothing. For saliency (the gradient of an input), custom training loops, and the
// diagnosis of a training. The model may have no parameters. One thread at a time per object. Any number of objects can
// run at the same time as trainers and predictors.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/inspection.h"
#include "runtime/memory_use.h"
#include "runtime/plan_cache.h"
#include "tools/statistics.h"

namespace chainrule {

class Gradients {
 public:
  // `loss` is a scalar that depends on a parameter or an input.
  Gradients(std::shared_ptr<const Model> model, int32_t loss);

  Inputs& inputs() { return inputs_; }

  // Random operations use the random numbers of the training step that follows `steps` steps. 0 initially.
  void set_steps_before(int64_t steps) { steps_before_ = steps; }

  // Runs forward and backward on the batch in inputs() and returns the loss. The gradients are kept until the next
  // call. They have the same bits as the gradients of a training step. Throws Error if the loss is not finite.
  double compute(int64_t batch);

  // Reads the gradient of a parameter, [rows][columns], or of an input, [batch][feature]. The gradient is zero if the
  // loss does not depend on the node.
  template <class V>
  void read(int32_t node, V* values, int64_t count) const;

  // Runs forward and backward. Returns statistics of all nodes that the loss depends on.
  std::vector<NodeStatistics> statistics(int64_t batch);

  // The native memory that is held now, in bytes. Includes the model's memory.
  MemoryUse memory() const;

 private:
  const Plan& plan(int64_t batch);
  void clear(int64_t batch);

  const std::shared_ptr<const Model> model_;
  const int32_t loss_;
  Inputs inputs_;
  PlanCache plans_;
  MemoryBlock arena_;
  MemoryBlock gradients_;                     // laid out like the parameters
  std::vector<MemoryBlock> input_gradients_;  // by data slot
  std::vector<void*> outputs_;                // the addresses of input_gradients_, inputs only
  int64_t batch_ = 0;                         // samples of the last compute(); 0: none yet
  int64_t steps_before_ = 0;
  const std::unique_ptr<Stream> stream_;
  std::unique_ptr<Inspection> inspection_;  // created when statistics are first needed
};

}  // namespace chainrule
