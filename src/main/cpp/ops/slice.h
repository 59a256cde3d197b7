// slice: the features [begin, end) of x.   d_x is δ in these rows, and 0 in the others.
#pragma once

#include <cstdint>

namespace chainrule {

// The features that begin at `source` in one value are those that begin at `destination` in another. Forward copies them
// from source to destination; backward adds δ from destination to source.
struct RowBlock {
  int64_t source;
  int64_t destination;
};

struct Slice {
  static constexpr RowBlock block(int64_t begin) { return {begin, 0}; }
};

}  // namespace chainrule
