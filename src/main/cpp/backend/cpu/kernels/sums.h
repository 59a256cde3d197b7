// Sums down the columns of a block, one per column, as ops/long_sum.h describes.
#pragma once

#include "backend/cpu/kernels/kernels.h"
#include "ops/long_sum.h"

namespace chainrule {
inline namespace CHAINRULE_ISA {

// A kernel adds the terms of a row to part[] and then calls end_row(). `Part` is the type of the terms, T that of the
// values from which they are computed. In a double, terms that are computed from floats are added in sequence.
template <class T, class Part, int64_t block>
struct ColumnSums {
  static constexpr bool in_parts = sizeof(Part) == sizeof(T);

  Part part[block] = {};

  // `row` is the number of the row, from 0.
  CHAINRULE_INLINE void end_row(int64_t row, int64_t width) {
    if constexpr (in_parts) {
      if (row % terms_in_sequence == terms_in_sequence - 1) fold(width);
    }
  }

  // Writes the sums to part[]. Call this once, after the last row.
  CHAINRULE_INLINE void finish(int64_t width) {
    if (!folded) return;
    fold(width);
    for (int64_t i = 0; i < width; ++i) {
      if constexpr (sizeof(T) == sizeof(double)) {
        part[i] = with_error(total[i], error[i]);
      } else {
        part[i] = static_cast<Part>(total[i]);
      }
    }
  }

 private:
  void fold(int64_t width) {
    if (!folded) {
      for (int64_t i = 0; i < width; ++i) total[i] = error[i] = 0;
      folded = true;
    }
    for (int64_t i = 0; i < width; ++i) {
      if constexpr (sizeof(T) == sizeof(double)) {
        add_with_error(total[i], error[i], part[i]);
      } else {
        total[i] += static_cast<double>(part[i]);
      }
      part[i] = 0;
    }
  }

  bool folded = false;
  double total[block], error[block];  // not set until the first fold
};

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
