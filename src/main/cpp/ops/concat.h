// concat: the features of x_1, then those of x_2, ...   d_x_i is the rows of δ that x_i went to.
#pragma once

#include "ops/slice.h"

namespace chainrule {

struct Concat {
  // The part that one operand plays, `before` features having come before it.
  static constexpr RowBlock block(int64_t before) { return {0, before}; }
};

}  // namespace chainrule
