// Shapes and layouts, said once.
//
// A node's value is one of two things.
//   batched    one vector of `rows` features for each sample of a batch. `columns` is 1 in the graph; the batch is
//              known when a plan is made. Data, and everything computed from data, is batched.
//   batchless  a matrix [rows][columns] that does not depend on the batch: parameters, constants, what is computed
//              from them alone, and what was reduced over the batch (losses).
//
// In memory (CPU) a batched value is row-major [feature][batch] with rows padded to 64 bytes, so that one feature's
// values over the batch are contiguous; a batchless one is dense row-major [rows][columns]. Users' data is
// [batch][feature] and is transposed by the plan, or read through a product's transpose flag.
//
// Only products look at a batchless value as a matrix. For every other operation it is one vector of
// rows * columns features: sum, squared_norm, softmax ... go over all its elements.
#pragma once

#include <cstdint>
#include <string>

#include "util/check.h"

namespace chainrule {

// The most elements one value may have for one sample (or in all, when batchless): keeps byte counts within 64 bits.
constexpr int64_t max_elements = int64_t{1} << 40;

struct Shape {
  bool batched = false;
  int64_t rows = 1;
  int64_t columns = 1;

  static Shape data(int64_t features) { return {true, features, 1}; }
  static Shape matrix(int64_t rows, int64_t columns) { return {false, rows, columns}; }
  static Shape scalar() { return {false, 1, 1}; }

  int64_t elements() const { return rows * columns; }
  bool is_scalar() const { return !batched && rows == 1 && columns == 1; }
  bool operator==(const Shape& other) const {
    return batched == other.batched && rows == other.rows && columns == other.columns;
  }
  bool operator!=(const Shape& other) const { return !(*this == other); }

  // "[batch x 64]", "[128 x 64]", "[128]", "scalar": as a user sees it, samples first.
  std::string to_string() const {
    if (batched) return message("[batch x ", rows, "]");
    if (is_scalar()) return "scalar";
    return columns == 1 ? message("[", rows, "]") : message("[", rows, " x ", columns, "]");
  }
};

}  // namespace chainrule
