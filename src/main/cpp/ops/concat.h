// concat: the features of x_1, followed by those of x_2, ...   d_x_i is the block of δ at the features of x_i.
#pragma once

#include "ops/slice.h"

namespace chainrule {

struct Concat {
  // Returns the block of one operand. `before` is the number of features in the operands before it.
  static constexpr RowBlock block(int64_t before) { return {0, before}; }
};

}  // namespace chainrule
