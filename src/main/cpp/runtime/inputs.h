// One caller's data: an address for each data node, its own memory or ours.
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
  // Must data be given for a slot? What the owner's plan says (Plan::reads_slot).
  bool needed(int32_t slot) const { return needed_[static_cast<size_t>(checked(slot))]; }
  void set_needed(std::vector<bool> reads_slot) { needed_ = std::move(reads_slot); }
  int64_t* addresses() { return addresses_.data(); }
  int64_t sample_bytes(int32_t slot) const;
  char* reserve(int32_t slot, int64_t batch);
  // Where the data of a slot lie, and the class indices that were given for a label.
  const char* data(int32_t slot) const {
    return reinterpret_cast<const char*>(addresses_[static_cast<size_t>(slot)]);
  }
  const int32_t* labels(int32_t node) const;

  // Bytes of memory of ours.
  int64_t bytes() const;

  // The addresses as a plan takes them, for the samples from `first` on.
  void* const* at(int64_t first);

  // Refuses a batch before anything is computed: data that are missing, labels and targets out of range.
  void check(const char* operation, const Plan& plan, int64_t batch) const;

 private:
  int64_t checked(int32_t slot) const;

  const std::shared_ptr<const Model> model_;
  std::vector<int64_t> addresses_;
  std::vector<bool> needed_;
  std::vector<void*> shifted_;
  std::vector<MemoryBlock> staging_;
};

// Refuses class indices and targets out of range: `count` samples of a label's int32, or of values of the type.
void check_data(const char* operation, const Graph& graph, const DataCheck& check, DType dtype,
                const char* data, int64_t count);

}  // namespace chainrule
