// slice: the features [begin, end) of x.   d_x is δ in these rows, and 0 in the others.
#pragma once

#include <cstdint>

namespace chainrule {

// `rows` features starting at `source` in one value are `destination` and following in another. Forward copies them
// from source to destination; backward adds δ from destination to source.
struct RowBlock {
  int64_t source;
  int64_t destination;
  int64_t rows;
};

struct Slice {
  static constexpr RowBlock block(int64_t begin, int64_t end) { return {begin, 0, end - begin}; }
};

}  // namespace chainrule
