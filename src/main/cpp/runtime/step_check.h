// The checking mode of a trainer. It finds the first non-finite number of a training step. If the update wrote such a
// number, the checking mode undoes the update.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/inspection.h"

namespace chainrule {

// Returns ", example 1234 of the data set" for a row of a batch of fit, or an empty text if `examples` is null.
std::string example_suffix(const int64_t* examples, int64_t row);

// One thread at a time.
class StepCheck {
 public:
  StepCheck(std::shared_ptr<Model> model, int32_t loss);

  // Throws Error if a value or δ of the batch is not finite. The message has the pass, node, row and column of the
  // first such number. `step` counts from 1. `examples` are the numbers of the examples of the batch in a data set, or
  // null. Holds the model's mutex for reading.
  void check_batch(int64_t step, Inputs& inputs, int64_t batch, const int64_t* examples);

  // Copies the blocks that a step is about to write: the model's parameters first, then the optimizer's states, which
  // are laid out like the parameters. The caller must hold the model's mutex for writing until check_update has
  // returned.
  void back_up(std::vector<char*> blocks);
  // Throws Error if a number in the blocks is not finite, after it has restored all blocks.
  void check_update(int64_t step);

  void release();  // frees all memory that checking needs

  int64_t bytes() const;  // memory held, in bytes

 private:
  void undo();

  const std::shared_ptr<Model> model_;
  const int32_t loss_;
  std::unique_ptr<Inspection> inspection_;  // created with the first batch
  std::vector<char*> blocks_;
  std::vector<MemoryBlock> before_;  // the values of these blocks before the update
};

}  // namespace chainrule
