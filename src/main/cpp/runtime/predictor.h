// Computes chosen nodes of a model, for any number of callers at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/inspection.h"
#include "runtime/plan_cache.h"

namespace chainrule {

// One caller's memory for predictions.
class Workspace {
 public:
  Workspace(std::shared_ptr<const Model> model, std::vector<int32_t> outputs);

  Inputs& inputs() { return inputs_; }
  // Memory for `batch` values of output number `index`, [batch][feature].
  char* reserve_output(int32_t index, int64_t batch);

 private:
  friend class Predictor;
  int64_t output_bytes(int32_t index, int64_t batch) const;

  const std::shared_ptr<const Model> model_;
  const std::vector<int32_t> outputs_;
  Inputs inputs_;
  std::vector<MemoryBlock> output_memory_;
  std::vector<void*> output_addresses_;
  MemoryBlock arena_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Inspection> inspection_;  // made when a checking predictor first asks
};

class Predictor {
 public:
  Predictor(std::shared_ptr<const Model> model, std::vector<int32_t> outputs);

  std::unique_ptr<Workspace> workspace() const;
  // By data slot: must data be given?
  const std::vector<bool>& needed() const { return needed_; }
  void predict(Workspace& workspace, int64_t batch);

  // While checking, predict throws Error at the first value that is not finite, with its node, row and feature.
  void set_checking(bool on) { checking_ = on; }

 private:
  void check(Workspace& workspace, int64_t first, int64_t samples);
  std::shared_ptr<const Plan> plan(int64_t batch);

  const std::shared_ptr<const Model> model_;
  const std::vector<int32_t> outputs_;
  bool samples_are_independent_;
  std::vector<bool> needed_;
  std::atomic<bool> checking_{false};
  std::mutex mutex_;  // guards plans_
  PlanCache plans_;
};

}  // namespace chainrule
