// slice: the features [begin, end) of x.   d_x is δ in these features and 0 in the others.
#pragma once

#include <cstdint>

namespace chainrule {

// A block of consecutive features. It begins at feature `source` of the operand and at feature `destination` of the
// result. Forward copies the block from source to destination. Backward adds its δ from destination to source.
struct RowBlock {
  int64_t source;
  int64_t destination;
};

struct Slice {
  static constexpr RowBlock block(int64_t begin) { return {begin, 0}; }
};

}  // namespace chainrule
