// One caller's data: an address for each data node, its own memory or ours.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/model.h"

namespace chainrule {

class Inputs {
 public:
  explicit Inputs(std::shared_ptr<const Model> model);

  int32_t slots() const { return static_cast<int32_t>(addresses_.size()); }
  int64_t* addresses() { return addresses_.data(); }
  int64_t sample_bytes(int32_t slot) const;
  char* reserve(int32_t slot, int64_t batch);
  // The class indices that were given for a label.
  const int32_t* labels(int32_t node) const;

  // Bytes of memory of ours.
  int64_t bytes() const;

  // The addresses as a plan takes them, for the samples from `first` on.
  void* const* at(int64_t first);

  // Refuses a batch before anything is computed: data that are missing, labels out of range.
  void check(const char* operation, const Plan& plan, int64_t batch) const;

 private:
  int64_t checked(int32_t slot) const;

  const std::shared_ptr<const Model> model_;
  std::vector<int64_t> addresses_;
  std::vector<void*> shifted_;
  std::vector<MemoryBlock> staging_;
};

// Refuses class indices out of range.
void check_labels(const char* operation, const Graph& graph, const LabelCheck& check, const int32_t* labels,
                  int64_t count);

}  // namespace chainrule
