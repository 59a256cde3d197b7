// Trains a model on a loss: one batch at a time, or over a dataset. One caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "optim/optimizer.h"
#include "runtime/dataset.h"
#include "runtime/inputs.h"
#include "runtime/plan_cache.h"
#include "runtime/statistics.h"

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

// Bytes of native memory by what it is for.
struct MemoryUse {
  int64_t arena = 0;       // values and δs between phases
  int64_t parameters = 0;  // of the model
  int64_t constants = 0;   // of the model
  int64_t state = 0;       // of the optimizer
  int64_t gradients = 0;   // that somebody asked for
  int64_t inputs = 0;      // copies of batches
  int64_t dataset = 0;  // columns, and the order of examples, of the data set that fit was last called with
  int64_t checks = 0;   // statistics, and the checking mode
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
  double evaluate(int64_t batch);
  // Forward and backward without an update; the gradients stay until the next call of this function.
  double gradients(int64_t batch);
  template <class V>
  void read_gradient(int32_t node, V* values, int64_t count) const;

  // While checking, a step first computes every value and δ of its batch (an Inspection: about twice the work and the
  // memory of all values), and looks at parameters and optimizer state after the update. At the first number that is not
  // finite it throws Error with the pass, node, row and column, and parameters and state are what they were before the
  // step. What it trains has the same bits as without checking.
  void set_checking(bool on);

  // Bytes held now, of native memory.
  MemoryUse memory() const;

  // Forward and backward without an update: numbers about all nodes that the loss depends on.
  std::vector<NodeStatistics> statistics(int64_t batch);

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
  enum class Mode { train, evaluate, gradients };

  Inspection& inspect(const char* operation, int64_t batch);
  double checked_update(int64_t batch, double* phase_seconds);
  void check_batch(int64_t batch);
  void check_update();
  void undo_update();
  std::string place(int64_t row) const;
  const Plan& plan(Mode mode, int64_t batch);
  Plan make(Mode mode, int64_t batch) const;
  double run_alone(Mode mode, int64_t batch, const char* operation,
                   double* phase_seconds = nullptr);  // for who holds the model's gate
  double run(Mode mode, int64_t batch, const char* operation, double* phase_seconds = nullptr);
  [[noreturn]] void refuse(const char* operation, double loss) const;
  Context context();
  double seconds_of_products(const Program& program, int64_t steps);
  double update(int64_t batch, double* phase_seconds);

  // fit.cpp
  class Feed;
  // The examples as an epoch takes them.
  struct Order {
    explicit Order(Backend& backend) : examples(backend.host_memory()) {}
    MemoryBlock examples;  // one int64 each
    int64_t epoch = -1;
  };
  const int64_t* order() const { return reinterpret_cast<const int64_t*>(orders_[order_].examples.data()); }
  void forget_orders();
  void write_order(int64_t epoch, Order* to);
  void prepare_order();
  void gather(int64_t batch, int64_t position, Inputs* into);
  void make_resident(const Dataset& dataset);
  void count_step(double loss, int64_t batch);
  double run_row(int32_t count, int64_t batch);

  const std::shared_ptr<Model> model_;
  const int32_t loss_;
  OptimizerSettings optimizer_;
  Progress progress_;
  Inputs inputs_;
  PlanCache plans_[3];
  MemoryBlock arena_;
  std::vector<MemoryBlock> states_;  // max_states; one that the rule does not keep is empty
  MemoryBlock gradients_;
  std::unique_ptr<Stream> stream_;
  std::vector<MemoryBlock> input_gradients_;  // by data slot
  std::vector<void*> gradient_outputs_;       // of the inputs, in their order
  int64_t gradient_batch_ = 0;                // samples of the last gradients(), 0: none yet
  std::vector<bool> trained_;

  std::unique_ptr<Inspection> inspection_;  // made when somebody first asks
  bool checking_ = false;
  std::vector<MemoryBlock> before_;          // the step, while checking: parameters, then optimizer state
  const int64_t* batch_examples_ = nullptr;  // during fit: the examples of the batch

  const Dataset* dataset_ = nullptr;
  int64_t batch_size_ = 0;
  std::vector<const Column*> columns_;  // by data slot; null: not needed
  Inputs second_inputs_;                // of every second step, where several are under way
  Order orders_[2];                     // of the running epoch, and of the next where there was time for it
  int32_t order_ = 0;                   // the running epoch's
  int64_t row_ = 1;                     // so many steps are begun at once
  std::vector<StepNumbers> row_numbers_;
  std::vector<double> row_losses_;
  // The bound dataset in the engine's memory, if that has room for it.
  int64_t resident_dataset_ = 0;              // its number; 0: none
  std::vector<ResidentColumn> resident_;      // by data slot
  std::vector<MemoryBlock> resident_memory_;  // likewise
  MemoryBlock resident_order_;
};

}  // namespace chainrule
