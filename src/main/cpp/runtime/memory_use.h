// Bytes of native memory by what it is for, as trainers and tools report what they hold.
#pragma once

#include <cstdint>

namespace chainrule {

struct MemoryUse {
  int64_t arena = 0;       // values and δs between phases
  int64_t parameters = 0;  // of the model
  int64_t constants = 0;   // of the model
  int64_t state = 0;       // of the optimizer
  int64_t gradients = 0;   // that somebody asked for
  int64_t inputs = 0;      // copies of batches
  int64_t dataset = 0;  // columns, and the order of examples, of the data set that fit was last called with
  int64_t checks = 0;   // statistics, and the checking mode
};

}  // namespace chainrule
