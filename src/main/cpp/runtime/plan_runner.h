// Runs one plan of a model with its own memory. For tools that need more than training or predicting computes: every
// value, every δ, or the derivatives for a δ of the loss that the caller supplies. One thread at a time; the caller
// must hold the model's mutex.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/inputs.h"

namespace chainrule {

class PlanRunner {
 public:
  // The element type is the model's. The plan must have no update: the model is only read.
  PlanRunner(std::shared_ptr<const Model> model, PlanRequest request);
  // Uses a plan that was already created for the request, with the model's type.
  PlanRunner(std::shared_ptr<const Model> model, PlanRequest request, Plan plan);

  const PlanRequest& request() const { return request_; }
  const Plan& plan() const { return plan_; }

  // `inputs` are addresses by slot (Inputs::at). For a seeded plan, the address of the seed, the caller's δ of the loss
  // (PlanRequest::seeded), follows them.
  void run(void* const* inputs);
  void forward(void* const* inputs);
  void backward(void* const* inputs);  // after forward; more than once if the plan is seeded

  // Sets the number of earlier training steps, which selects the random numbers of a training plan. The number is 0
  // initially.
  void set_step(int64_t step) { step_ = step; }

  // Fills all memory that a run writes with NaN, to expose what a run leaves unwritten.
  void poison();

  // Results of the last run. Values and δs are in host memory, in the order of the request, [batch][feature] or
  // [rows][columns]. Gradients are in the engine's memory and laid out like the parameters; only those of parameters
  // that the loss depends on are written.
  char* value(size_t output) const { return outputs_[output].data(); }
  char* delta(size_t index) const { return outputs_[request_.outputs.size() + index].data(); }
  char* gradients() const { return gradients_.data(); }
  int64_t count(int32_t node) const;  // the number of elements of the value of a node

  int64_t bytes() const;  // memory held, in bytes

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
