// Which factors (operands) of a program's matrix products are converted to bfloat16, and where the copies are stored.
// The first product that reads a matrix needs a conversion. All later products use the same copy until a step writes to
// the matrix. So a weight is converted once for the forward product and Wᵀδ, an activation once for the next layer and
// δaᵀ, and δ once for both of its products.
#pragma once

#include <cstdint>
#include <vector>

#include "program/program.h"
#include "util/first_fit.h"

namespace chainrule {
namespace cuda {

// A factor as it is stored: rows and columns are those before a transposition.
struct Factor {
  Operand operand;
  int64_t rows, columns;
};

// Returns factor A (which = 0) or B (which = 1) of a product.
Factor factor_of(const Step& product, int32_t which);

class Conversions {
 public:
  // The number of the copy that a product of the phase can read. If `is_new`, the factor must be converted before the
  // product.
  struct Use {
    int32_t copy;
    bool is_new;
  };
  Use use(const Factor& factor, int32_t phase);

  // Invalidates the copies of matrices that the step writes. Must be called for every step, in order.
  void note_writes(const Step& step);

  // Assigns offsets from `begin` on and returns the end of the last copy. Copies with disjoint lifetimes share memory.
  // So each stream of a predictor needs memory for about one layer's weight and activations, not for those of all
  // layers.
  int64_t place(int64_t begin);

  int64_t offset(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.offset; }
  int64_t bytes(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.bytes; }
  // Returns the last phase with a product that reads the copy.
  int32_t last_phase(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.last; }

 private:
  struct Copy {
    Factor of;
    Span span;  // its lifetime in phases, its size and offset
    bool valid = true;
  };

  std::vector<Copy> copies_;
};

}  // namespace cuda
}  // namespace chainrule
