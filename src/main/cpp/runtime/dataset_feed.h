// Brings the samples of a data set to training steps, in the order of each epoch: from the engine's memory where the data
// set fits there, else copied batch by batch.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/dataset.h"
#include "runtime/inputs.h"

namespace chainrule {

// What decides the order of an epoch's examples.
struct EpochOrder {
  bool shuffle = true;
  int64_t seed = 0;
  int64_t epoch = 0;  // counted from 0

  bool operator==(const EpochOrder& other) const {
    return shuffle == other.shuffle && seed == other.seed && epoch == other.epoch;
  }
};

// One caller at a time.
class DatasetFeed {
 public:
  // Batches are copied into `inputs`, which must live as long as this object.
  DatasetFeed(std::shared_ptr<const Model> model, Inputs& inputs);
  DatasetFeed(const DatasetFeed&) = delete;
  DatasetFeed& operator=(const DatasetFeed&) = delete;

  // Takes the columns that the plan reads. Throws InvalidArgument when one is missing, has another type or number of
  // features, or holds labels out of range; what was bound before then stays. The data set must live as long as it is
  // bound.
  void bind(const Dataset& dataset, const Plan& plan);
  bool bound() const { return dataset_ != nullptr; }
  int64_t examples() const { return dataset_->examples(); }  // of the data set that is bound

  // Puts the examples into this order, unless they are in it.
  void prepare_order(const EpochOrder& order);
  // The numbers of the examples in the order that was prepared.
  const int64_t* order() const { return reinterpret_cast<const int64_t*>(orders_[current_].examples.data()); }

  // Do the columns and the order lie in the engine's memory?
  bool resident() const { return resident_dataset_ != 0; }
  void use_resident(Context* context) const;

  // Copies the `batch` samples from `position` in the order on into the inputs.
  void gather(int64_t position, int64_t batch) { gather(position, batch, &inputs_); }

  // Gathers the batches of a burst, in the inputs and in a second set by turns.
  class Burst;

  // How many steps to begin before their losses are asked for: as many as take a few milliseconds, if the engine takes so
  // many. Where data are not resident, two or more, so that one batch is gathered while the one before it is computed.
  int64_t burst_length();
  // Adapts burst_length() to the time that a burst of `steps` steps took, which is how long predictions had to wait.
  void burst_took(int64_t steps, double milliseconds);

  // Of native memory: the second set of inputs; columns and orders.
  int64_t input_bytes() const { return second_inputs_.bytes(); }
  int64_t dataset_bytes() const;

 private:
  struct Order {
    explicit Order(Backend& backend) : examples(backend.host_memory()) {}
    bool is(const EpochOrder& order) const { return written && of == order; }

    MemoryBlock examples;  // one int64 each
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
  std::vector<const Column*> columns_;  // by data slot; null: not needed
  Order orders_[2];                     // of the running epoch, and of the next where there was time for it
  int32_t current_ = 0;                 // the running epoch's
  int64_t burst_length_ = 1;
  // The bound data set in the engine's memory, if there is room for it.
  int64_t resident_dataset_ = 0;              // its number; 0: none
  std::vector<ResidentColumn> resident_;      // by data slot
  std::vector<MemoryBlock> resident_memory_;  // likewise
  MemoryBlock resident_order_;
};

class DatasetFeed::Burst final : public StepInputs {
 public:
  // `steps` steps of the plan, from `position` in the order that was prepared on.
  Burst(DatasetFeed& feed, const Plan& plan, int64_t position, int64_t steps);

  // Gathers a step's batch now, not when the step begins.
  void prepare(int32_t step);

  void* const* addresses(int32_t step) override;
  // Writes the order of the next epoch, if this burst ends one.
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
