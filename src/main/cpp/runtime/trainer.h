// Trains a model on a loss: one batch at a time, or over a dataset. One caller at a time.
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

// Where training stands: with the parameters and the optimizer's state, all that resuming needs.
struct Progress {
  int64_t steps = 0;     // updates made
  int64_t epoch = 0;     // epochs completed
  int64_t position = 0;  // examples of the running epoch already trained
  int64_t examples = 0;  // of the dataset that the running epoch goes over
  bool shuffle = true;
  int64_t shuffle_seed = 0;
  double running_sum = 0;  // losses since the running epoch began, weighted by samples
  double epoch_loss = 0;   // mean of the epoch before
  double last_loss = 0;
};

class Trainer {
 public:
  Trainer(std::shared_ptr<Model> model, int32_t loss, const OptimizerSettings& optimizer);

  const std::shared_ptr<Model>& model() const { return model_; }
  int32_t loss() const { return loss_; }
  Inputs& inputs() { return inputs_; }

  // Forward, backward, update. Returns the loss of the batch before the update. When it is not finite, throws Error
  // before any parameter is written.
  double step(int64_t batch);
  // The loss alone, as it is. Throws Error where it is not finite because the data are not.
  double evaluate(int64_t batch);

  // While checking, a step first computes every value and δ of its batch (an Inspection: about twice the work and the
  // memory of all values), and looks at parameters and optimizer state after the update. At the first number that is not
  // finite it throws Error with the pass, node, row and column, and parameters and state are what they were before the
  // step. What it trains has the same bits as without checking.
  void set_checking(bool on);

  // Bytes held now, of native memory.
  MemoryUse memory() const;

  // Over a dataset: see api/chainrule.h. The dataset must live as long as it is bound.
  void bind(const Dataset& dataset, int64_t batch_size);
  void shuffle(bool on, int64_t seed);
  int64_t fit(int64_t max_steps, int64_t epochs, double max_milliseconds);
  double running_loss() const;

  const OptimizerSettings& optimizer() const { return optimizer_; }
  void set_learning_rate(double value);
  const Progress& progress() const { return progress_; }
  bool trains(int32_t parameter) const;
  std::string describe_plan(int64_t batch);
  // Makes `steps` training steps on the batch in inputs(), and describes the plan with the mean time of each phase, and
  // with that of the products alone.
  std::string profile(int64_t batch, int64_t steps);

  // A state of the optimizer, by number below max_states, laid out like the parameters; null: the rule does not keep it.
  char* state(int32_t number) const { return states_[static_cast<size_t>(number)].data(); }
  void restore(const Progress& progress) { progress_ = progress; }

 private:
  enum class Mode { train, evaluate };

  double checked_update(int64_t batch, double* phase_seconds);
  const Plan& plan(Mode mode, int64_t batch);
  Plan make(Mode mode, int64_t batch) const;
  double run_alone(Mode mode, int64_t batch, const char* operation,
                   double* phase_seconds = nullptr);  // for who holds the model's mutex
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
  std::vector<MemoryBlock> states_;  // max_states; one that the rule does not keep is empty
  std::unique_ptr<Stream> stream_;
  std::vector<bool> trained_;

  StepCheck check_;
  bool checking_ = false;
  const int64_t* batch_examples_ = nullptr;  // during fit: the examples of the batch

  DatasetFeed feed_;
  int64_t batch_size_ = 0;
  std::vector<StepNumbers> burst_numbers_;  // of the steps of a burst
  std::vector<double> burst_losses_;
};

}  // namespace chainrule
