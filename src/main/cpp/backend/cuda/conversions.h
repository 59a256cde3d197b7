// Which factors of a program's products become bfloat16, and where the copies lie. A copy is made for the first product
// that reads a matrix and serves all others, until a step writes to that matrix: a weight is converted once for the
// forward product and for Wᵀδ, an activation once for the next layer and for δaᵀ, δ once for both of its products.
#pragma once

#include <cstdint>
#include <vector>

#include "program/program.h"
#include "util/first_fit.h"

namespace chainrule {
namespace cuda {

// A factor as it lies in memory.
struct Factor {
  Operand operand;
  int64_t rows, columns;
};

// The factors A (0) and B (1) of a product.
Factor factor_of(const Step& product, int32_t which);

class Conversions {
 public:
  // The number of a copy that the product of this phase can read, and whether it has to be made for it.
  struct Use {
    int32_t copy;
    bool is_new;
  };
  Use use(const Factor& factor, int32_t phase);

  // Copies of what the step writes serve no later product. To be told of every step, in order.
  void note_writes(const Step& step);

  // Places the copies by their lifetimes, from `begin` on, and returns where the last ends. Predictors need little then:
  // a layer's weight and activations, where all layers' would add up on each of their streams.
  int64_t place(int64_t begin);

  int64_t offset(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.offset; }
  int64_t bytes(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.bytes; }
  // The last phase with a product that reads it.
  int32_t last_phase(int32_t copy) const { return copies_[static_cast<size_t>(copy)].span.last; }

 private:
  struct Copy {
    Factor of;
    Span span;  // by phases
    bool valid = true;
  };

  std::vector<Copy> copies_;
};

}  // namespace cuda
}  // namespace chainrule
