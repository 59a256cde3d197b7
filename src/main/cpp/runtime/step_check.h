// The checking mode of a trainer: finds the first number of a training step that is not finite, and undoes an update that
// wrote one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/inspection.h"

namespace chainrule {

// ", example 1234 of the data set" for a row of a batch that fit trains on; empty where `examples` is null.
std::string example_suffix(const int64_t* examples, int64_t row);

// One caller at a time.
class StepCheck {
 public:
  StepCheck(std::shared_ptr<Model> model, int32_t loss);

  // Throws Error with the pass, node, row and column of the first value or δ of the batch that is not finite. `step`
  // counts from 1; `examples` are those of the batch in a data set, null where there is none. Takes the model's mutex for
  // reading.
  void check_batch(int64_t step, Inputs& inputs, int64_t batch, const int64_t* examples);

  // Copies the blocks that a step is about to write: the model's parameters, then the optimizer's states, laid out like
  // them. The caller holds the model's mutex for writing until check_update has returned.
  void back_up(std::vector<char*> blocks);
  // Throws Error at the first number in the blocks that is not finite, after all blocks are again what they were.
  void check_update(int64_t step);

  void release();  // frees all memory that checking needs

  int64_t bytes() const;  // of memory held

 private:
  void undo();

  const std::shared_ptr<Model> model_;
  const int32_t loss_;
  std::unique_ptr<Inspection> inspection_;  // made with the first batch
  std::vector<char*> blocks_;
  std::vector<MemoryBlock> before_;  // their values before the update
};

}  // namespace chainrule
