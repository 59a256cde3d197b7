// Native memory by purpose, in bytes, as trainers and tools report it.
#pragma once

#include <cstdint>

namespace chainrule {

struct MemoryUse {
  int64_t arena = 0;       // values and δs between phases
  int64_t parameters = 0;  // the model's parameters
  int64_t constants = 0;   // the model's constants
  int64_t state = 0;       // the optimizer's state
  int64_t gradients = 0;   // gradients that a caller requested
  int64_t inputs = 0;      // copies of batches
  int64_t dataset = 0;     // columns and orders of the data set that fit used most recently
  int64_t checks = 0;      // statistics and the checking mode
};

}  // namespace chainrule
