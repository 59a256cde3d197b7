// One plan of a model with memory of its own, for tools that look at more than training or predicting does: every value,
// every δ, a δ from outside. One caller at a time, who holds the model's mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/inputs.h"

namespace chainrule {

class PlanRunner {
 public:
  // The type comes from the model. No update: the model is only read.
  PlanRunner(std::shared_ptr<const Model> model, PlanRequest request);
  // With the plan that somebody has made of the request, in the model's type.
  PlanRunner(std::shared_ptr<const Model> model, PlanRequest request, Plan plan);

  const PlanRequest& request() const { return request_; }
  const Plan& plan() const { return plan_; }

  // `inputs` are addresses by slot (Inputs::at); a seeded plan's have that of the seed behind them.
  void run(void* const* inputs);
  void forward(void* const* inputs);
  void backward(void* const* inputs);  // after forward, as often as wanted if the plan is seeded

  // The number of the training step that a training plan computes; 0 at first.
  void set_step(int64_t step) { step_ = step; }

  // NaN into everything that a run writes: what it then leaves unwritten shows.
  void poison();

  // Of the last run. Values and δs in the order of the request, [batch][feature] or [rows][columns], in the processor's
  // memory; gradients laid out like the parameters, of those that reach the loss, in the engine's.
  char* value(size_t output) const { return outputs_[output].data(); }
  char* delta(size_t index) const { return outputs_[request_.outputs.size() + index].data(); }
  char* gradients() const { return gradients_.data(); }
  int64_t count(int32_t node) const;  // elements of a node's value

  int64_t bytes() const;  // of memory held

 private:
  void run(void* const* inputs, int32_t first, int32_t last);

  const std::shared_ptr<const Model> model_;
  const PlanRequest request_;
  const Plan plan_;
  MemoryBlock arena_, gradients_;
  std::vector<MemoryBlock> outputs_;
  std::vector<void*> addresses_;
  const std::unique_ptr<Stream> stream_;
  int64_t step_ = 0;
};

}  // namespace chainrule
