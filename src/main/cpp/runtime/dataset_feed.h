// Supplies training steps with the samples of a data set, in the order of each epoch. If the data set fits into the
// engine's memory, it is copied there once (it is resident); otherwise each batch is copied.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/dataset.h"
#include "runtime/inputs.h"

namespace chainrule {

// The parameters of the order of the examples in an epoch.
struct EpochOrder {
  bool shuffle = true;
  int64_t seed = 0;
  int64_t epoch = 0;  // counted from 0

  bool operator==(const EpochOrder& other) const {
    return shuffle == other.shuffle && seed == other.seed && epoch == other.epoch;
  }
};

// One thread at a time.
class DatasetFeed {
 public:
  // Batches are copied into `inputs`, which must outlive this object.
  DatasetFeed(std::shared_ptr<const Model> model, Inputs& inputs);
  DatasetFeed(const DatasetFeed&) = delete;
  DatasetFeed& operator=(const DatasetFeed&) = delete;

  // Binds the columns that the plan reads. Throws InvalidArgument if a column is missing, has another type or number of
  // features, holds a double that a model of floats cannot hold, or holds labels or targets out of range. The previous
  // binding is then kept. The caller must keep the data set alive while it is bound.
  void bind(const Dataset& dataset, const Plan& plan);
  bool bound() const { return dataset_ != nullptr; }
  int64_t examples() const { return dataset_->examples(); }  // the number of examples of the bound data set

  // Prepares this order of the examples, unless the order is already prepared. Copies the order into the engine's
  // memory if the data set is resident.
  void prepare_order(const EpochOrder& order);
  // The numbers of the examples in the prepared order.
  const int64_t* order() const { return reinterpret_cast<const int64_t*>(orders_[current_].examples.data()); }

  // Returns true if the columns and the order are in the engine's memory.
  bool resident() const { return resident_dataset_ != 0; }
  void use_resident(Context* context) const;

  // Copies `batch` samples into the inputs: those that begin at `position` in the prepared order.
  void gather(int64_t position, int64_t batch) { gather(position, batch, &inputs_); }

  // Gathers the batches of a burst, alternately into the inputs and into a second set of inputs.
  class Burst;

  // Returns the number of steps to begin before their losses are read. It adapts so that a burst takes a few
  // milliseconds, and is at most the engine's max_burst(). If the data set is not resident it is at least 2, if the
  // engine allows that, so that one batch is gathered while the previous batch is computed.
  int64_t burst_length();
  // Adapts burst_length() after a burst of `steps` steps that took `milliseconds`, during which predictions were
  // blocked.
  void burst_took(int64_t steps, double milliseconds);

  // The native memory, in bytes, of the second set of inputs, and of the columns, their copies and the orders.
  int64_t input_bytes() const { return second_inputs_.bytes(); }
  int64_t dataset_bytes() const;

 private:
  struct Order {
    explicit Order(Backend& backend) : examples(backend.host_memory()) {}
    bool is(const EpochOrder& order) const { return written && of == order; }

    MemoryBlock examples;  // one int64 per example
    EpochOrder of;
    bool written = false;
  };

  void invalidate_orders();
  void write_order(const EpochOrder& order, Order* to) const;
  void gather(int64_t position, int64_t batch, Inputs* into) const;
  void make_resident(const Dataset& dataset);

  const std::shared_ptr<const Model> model_;
  Inputs& inputs_;
  Inputs second_inputs_;
  const Dataset* dataset_ = nullptr;
  std::vector<const Column*> columns_;  // by data slot; null: the plan does not read it
  Order orders_[2];      // of the current epoch, and of the next epoch if it has been written during a burst
  int32_t current_ = 0;  // the index of the current epoch's order
  int64_t burst_length_ = 1;
  // The copy of the bound data set in the engine's memory, if it fits there.
  int64_t resident_dataset_ = 0;              // Dataset::number(); 0: there is no copy
  std::vector<ResidentColumn> resident_;      // by data slot
  std::vector<MemoryBlock> resident_memory_;  // by data slot
  MemoryBlock resident_order_;
};

class DatasetFeed::Burst final : public StepInputs {
 public:
  // A burst of `steps` steps of the plan that begins at `position` in the prepared order.
  Burst(DatasetFeed& feed, const Plan& plan, int64_t position, int64_t steps);

  // Gathers the batch of a step now instead of when the step begins.
  void prepare(int32_t step);

  void* const* addresses(int32_t step) override;
  // Writes the order of the next epoch if this burst ends an epoch.
  void while_computing() override;

 private:
  Inputs& inputs(int32_t step) { return step % 2 == 0 ? feed_.inputs_ : feed_.second_inputs_; }

  DatasetFeed& feed_;
  const Plan& plan_;
  const int64_t position_;
  const bool ends_epoch_;
  int32_t prepared_ = -1;
};

}  // namespace chainrule
