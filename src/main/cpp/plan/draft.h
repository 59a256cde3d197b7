// A draft of a plan: values, and steps in the order in which they would run one by one. schedule() groups the steps
// into phases and assigns memory to the values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace chainrule {

// A block of memory that steps read and write. The offset of a value outside the arena is known from the start.
struct Value {
  Space space = Space::arena;
  int32_t slot = -1;
  int64_t offset = 0;  // arena: set by schedule()
  int64_t bytes = 0;
  bool keep = false;  // read after the steps have run, so its memory is never reused
};

// Which elements of an operand a tile of a step accesses: the elements of the tile, the rows of the tile, the columns
// of the tile, or any element.
enum class Access { tile, row, column, whole };

// An operand of a draft step. It names its value instead of an address.
struct Ref {
  int32_t value = -1;
  int64_t offset = 0;  // bytes within the value
  int64_t row_stride = 0;
  int64_t column_stride = 1;
  Access access = Access::tile;

  bool present() const { return value >= 0; }
};

struct DraftStep {
  Step step;
  Ref refs[max_operands];
  bool writes[max_operands] = {};
  bool backward = false;
  std::string text;  // "hidden = linear", for people
};

struct Draft {
  std::vector<Value> values;
  std::vector<DraftStep> steps;
  int32_t checked = -1;  // the value that is read between forward and backward pass: the loss
  int32_t barrier = -1;  // the steps from this one on run in later phases than all steps before it

  int32_t add_value(Value value) {
    values.push_back(value);
    return static_cast<int32_t>(values.size()) - 1;
  }
};

struct Schedule {
  std::vector<Phase> phases;
  std::vector<std::vector<int32_t>> steps;  // by phase: the indices of its steps in the draft
  int32_t backward_begin = 0;
  int64_t arena_bytes = 0;
};

// Groups the steps into phases so that all dependencies hold, and sets the offset of each arena value. With `merge`
// false, each step has its own phase.
Schedule schedule(Draft& draft, DType dtype, const Backend& backend, bool merge);

}  // namespace chainrule
