// The gradients of a loss by parameters and inputs, and numbers about each node, on a batch. It needs no optimizer and
// changes nothing: for saliency (the gradient of an input), for a training loop of one's own, and to see what a training
// does. A model without parameters will do. One caller at a time; any number of them beside trainers and predictors.
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
  // `loss` is a scalar that a parameter or an input reaches.
  Gradients(std::shared_ptr<const Model> model, int32_t loss);

  Inputs& inputs() { return inputs_; }

  // What follows is of the training step that comes after so many: random operations see its numbers. 0 at first.
  void set_steps_before(int64_t steps) { steps_before_ = steps; }

  // Forward and backward on the batch in inputs(): returns the loss, and the gradients stay until the next call. The bits
  // are those of a training step's. Throws Error when the loss is not finite.
  double compute(int64_t batch);

  // Of a parameter, [rows][columns], or of an input, [batch][feature]; zeros where the loss does not depend on it.
  template <class V>
  void read(int32_t node, V* values, int64_t count) const;

  // Forward and backward: numbers about all nodes that the loss depends on.
  std::vector<NodeStatistics> statistics(int64_t batch);

  // Bytes held now, of native memory, the model's included.
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
  std::vector<void*> outputs_;                // those of the inputs, in their order
  int64_t batch_ = 0;                         // samples of the last compute(), 0: none yet
  int64_t steps_before_ = 0;
  const std::unique_ptr<Stream> stream_;
  std::unique_ptr<Inspection> inspection_;  // made when statistics are first asked for
};

}  // namespace chainrule
