// linear: z = W x + b, or Wᵀ x + b if transposed.   d_weight and d_input as in matmul,   d_bias = Σ_batch δ.
// linear is a matmul followed by an add that broadcasts the bias over the batch. The plan runs the add on each tile of
// the product.
#pragma once

#include "ops/matmul.h"

namespace chainrule {

struct Linear : Matmul {};

}  // namespace chainrule
