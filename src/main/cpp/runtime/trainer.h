// Trains a model on a loss: on one batch at a time, or over a data set. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "optim/optimizer.h"
#include "runtime/dataset_feed.h"
#include "runtime/inputs.h"
#include "runtime/memory_use.h"
#include "runtime/plan_cache.h"
#include "runtime/step_check.h"

namespace chainrule {

// The progress of training. Together with the parameters and the optimizer state, this is all that is needed to resume.
struct Progress {
  int64_t steps = 0;     // updates done
  int64_t epoch = 0;     // epochs completed
  int64_t position = 0;  // examples of the current epoch that have been trained on
  int64_t examples = 0;  // examples of the data set of the current epoch
  bool shuffle = true;
  int64_t shuffle_seed = 0;
  double running_sum = 0;  // sum of the losses of the current epoch, weighted by samples
  double epoch_loss = 0;   // mean loss per sample of the previous epoch
  double last_loss = 0;
};

class Trainer {
 public:
  Trainer(std::shared_ptr<Model> model, int32_t loss, const OptimizerSettings& optimizer);

  const std::shared_ptr<Model>& model() const { return model_; }
  int32_t loss() const { return loss_; }
  Inputs& inputs() { return inputs_; }

  // Runs forward, backward and update. Returns the loss of the batch before the update. If the loss is not finite,
  // throws Error before any parameter is written.
  double step(int64_t batch);
  // Computes only the loss and returns it. Throws Error if the loss and the data are not finite. If only the loss is
  // not finite, returns it.
  double evaluate(int64_t batch);

  // While checking is on, a step first computes every value and δ of its batch (an Inspection: about twice the work,
  // and the memory of all values). After the update it checks the parameters and the optimizer state. At the first
  // non-finite number it throws Error, reports the pass, node, row and column, and restores the parameters and the
  // state to what they were before the step. Training gives the same bits as without checking.
  void set_checking(bool on);

  // The native memory that is held now, in bytes.
  MemoryUse memory() const;

  // Training over a data set: see api/chainrule.h. The caller must keep the data set alive while it is bound.
  void bind(const Dataset& dataset, int64_t batch_size);
  void shuffle(bool on, int64_t seed);
  int64_t fit(int64_t max_steps, int64_t epochs, double max_milliseconds);
  double running_loss() const;

  const OptimizerSettings& optimizer() const { return optimizer_; }
  void set_learning_rate(double value);
  const Progress& progress() const { return progress_; }
  bool trains(int32_t parameter) const;
  std::string describe_plan(int64_t batch);
  // Does `steps` training steps on the batch in inputs(). Describes the plan with the mean time of each phase and the
  // time of the products alone.
  std::string profile(int64_t batch, int64_t steps);

  // The optimizer state with this number, which must be less than max_states. A state is laid out like the parameters.
  // Null if the rule does not use this state.
  char* state(int32_t number) const { return states_[static_cast<size_t>(number)].data(); }
  void restore(const Progress& progress) { progress_ = progress; }

 private:
  enum class Mode { train, evaluate };

  double checked_update(int64_t batch, double* phase_seconds);
  const Plan& plan(Mode mode, int64_t batch);
  Plan make(Mode mode, int64_t batch) const;
  // The caller must hold the model's mutex for writing.
  double run_alone(Mode mode, int64_t batch, const char* operation, double* phase_seconds = nullptr);
  double run(Mode mode, int64_t batch, const char* operation, double* phase_seconds = nullptr);
  [[noreturn]] void refuse(const char* operation, double loss, const Plan& plan, int64_t batch) const;
  Context context();
  double seconds_of_products(const Program& program, int64_t steps);
  double update(int64_t batch, double* phase_seconds);

  // fit.cpp
  void count_step(double loss, int64_t batch);
  double run_burst(int32_t count, int64_t batch);

  const std::shared_ptr<Model> model_;
  const int32_t loss_;
  OptimizerSettings optimizer_;
  Progress progress_;
  Inputs inputs_;
  PlanCache plans_[2];
  MemoryBlock arena_;
  std::vector<MemoryBlock> states_;  // max_states blocks; a block is empty if the rule does not use the state
  std::unique_ptr<Stream> stream_;
  std::vector<bool> trained_;

  StepCheck check_;
  bool checking_ = false;
  const int64_t* batch_examples_ = nullptr;  // during fit: the numbers of the examples of the batch

  DatasetFeed feed_;
  int64_t batch_size_ = 0;
  std::vector<StepNumbers> burst_numbers_;  // of the steps of a burst
  std::vector<double> burst_losses_;
};

}  // namespace chainrule
