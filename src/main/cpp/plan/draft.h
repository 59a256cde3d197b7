// A plan being drawn up: values, and steps in the order in which they would run one by one. schedule() then gathers
// steps into phases and places the values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace chainrule {

// A block of memory that steps read and write. Values outside the arena have their place from the start.
struct Value {
  Space space = Space::arena;
  int32_t slot = -1;
  int64_t offset = 0;  // arena: set by schedule()
  int64_t bytes = 0;
  bool keep = false;  // read from outside after the steps have run: its memory is never reused
};

// How a step's tile touches an operand: only its own part of the domain, the rows or columns of its part, or anything.
enum class Access { tile, row, column, whole };

// An operand that still names its value.
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
  int32_t checked = -1;  // the value that is read between the passes: the loss
  int32_t barrier = -1;  // steps from this one on run in phases after all those before

  int32_t add_value(Value value) {
    values.push_back(value);
    return static_cast<int32_t>(values.size()) - 1;
  }
};

struct Schedule {
  std::vector<Phase> phases;
  std::vector<std::vector<int32_t>> steps;  // of each phase, indices into the draft
  int32_t backward_begin = 0;
  int64_t arena_bytes = 0;
};

// Gathers the steps into phases, keeping every dependency, and gives each arena value its offset.
Schedule schedule(Draft& draft, DType dtype, const Backend& backend, bool merge);

}  // namespace chainrule
