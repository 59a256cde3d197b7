// Computes chosen nodes of a model. Thread-safe if each thread uses its own workspace.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/inspection.h"
#include "runtime/plan_cache.h"

namespace chainrule {

// The memory of one caller for predictions.
class Workspace {
 public:
  Workspace(std::shared_ptr<const Model> model, std::vector<int32_t> outputs);

  Inputs& inputs() { return inputs_; }
  // Returns memory for `batch` samples of the output at position `index`, [batch][feature].
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
  std::unique_ptr<Inspection> inspection_;  // created when a checking predictor first needs it
};

class Predictor {
 public:
  Predictor(std::shared_ptr<const Model> model, std::vector<int32_t> outputs);

  std::unique_ptr<Workspace> workspace() const;
  // By data slot (Graph::data_nodes()): true if data must be given.
  const std::vector<bool>& needed() const { return needed_; }
  // Computes the outputs of `batch` samples. All samples are computed with the same parameters.
  void predict(Workspace& workspace, int64_t batch);

  // While checking is on, predict throws Error at the first non-finite value and reports its node, row and feature.
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
