// The data of one caller: an address per data node of the graph. The address is in the caller's memory or in memory of
// this object. A data node is identified by its slot, its position in Graph::data_nodes().
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/model.h"

namespace chainrule {

class Inputs {
 public:
  explicit Inputs(std::shared_ptr<const Model> model);

  int32_t slots() const { return static_cast<int32_t>(addresses_.size()); }
  // Returns true if data must be given for the slot: the plan of the trainer, predictor or tool that owns this object
  // reads the slot (Plan::reads_slot).
  bool needed(int32_t slot) const { return needed_[static_cast<size_t>(checked(slot))]; }
  void set_needed(std::vector<bool> reads_slot) { needed_ = std::move(reads_slot); }
  int64_t* addresses() { return addresses_.data(); }
  int64_t sample_bytes(int32_t slot) const;
  // Allocates memory for `batch` samples, sets the address of the slot to it and returns it.
  char* reserve(int32_t slot, int64_t batch);
  // The address of the data of a slot, and the address of the class indices of a label node.
  const char* data(int32_t slot) const {
    return reinterpret_cast<const char*>(addresses_[static_cast<size_t>(slot)]);
  }
  const int32_t* labels(int32_t node) const;

  // The memory that reserve() has allocated, in bytes.
  int64_t bytes() const;

  // The addresses of the samples from `first` on, in the form that a plan expects. Valid until the next call.
  void* const* at(int64_t first);

  // Throws InvalidArgument if data are missing or not aligned, or if labels or targets are out of range. Called before
  // anything is computed.
  void check(const char* operation, const Plan& plan, int64_t batch) const;

 private:
  int64_t checked(int32_t slot) const;  // returns the slot; throws InvalidArgument if there is no such slot

  const std::shared_ptr<const Model> model_;
  std::vector<int64_t> addresses_;
  std::vector<bool> needed_;
  std::vector<void*> shifted_;        // the result of at()
  std::vector<MemoryBlock> staging_;  // the memory of reserve(), by slot
};

// Throws InvalidArgument if class indices or targets are out of range. `data` has `count` samples: int32 class indices
// of a label, or values of the type.
void check_data(const char* operation, const Graph& graph, const DataCheck& check, DType dtype,
                const char* data, int64_t count);

}  // namespace chainrule
