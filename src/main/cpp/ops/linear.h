// linear: z = W x + b, or Wᵀ x + b when transposed.   d_weight and d_input as in matmul,   d_bias = Σ_batch δ.
// The bias is an add whose batchless operand broadcasts; so linear is matmul, then add, and the plan runs the second
// on each tile of the first.
#pragma once

#include "ops/matmul.h"

namespace chainrule {

struct Linear : Matmul {};

}  // namespace chainrule
