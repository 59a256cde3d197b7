// Shapes of values and their layouts in memory.
//
// A node's value is either batched or batchless.
//   batched    One vector of `rows` features for each sample of a batch. `columns` is 1 in the graph. The size of the
//              batch is known when a plan is compiled. Data and values computed from data are batched, except those
//              that are reduced over the batch.
//   batchless  A matrix [rows][columns] that does not depend on the size of the batch: parameters, constants, values
//              computed only from them, and values reduced over the batch, such as losses.
//
// In the CPU engine's memory a batched value is row-major [feature][batch], with rows padded to 64 bytes. So the values
// of one feature over the batch are contiguous. A batchless value is dense row-major [rows][columns]. Users' data are
// [batch][feature]. The plan transposes them or reads them through the transpose flag of a product.
//
// Only products treat a batchless value as a matrix. For every other operation it is one vector of rows * columns
// features. For example, sum, squared_norm and softmax process all its elements.
#pragma once

#include <cstdint>
#include <string>

#include "util/check.h"

namespace chainrule {

// The maximum number of elements of a value, per sample if it is batched. It keeps byte counts within 64 bits.
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

  // Returns the shape as users see it, samples first: "[batch x 64]", "[128 x 64]", "[128]" or "scalar".
  std::string to_string() const {
    if (batched) return message("[batch x ", rows, "]");
    if (is_scalar()) return "scalar";
    return columns == 1 ? message("[", rows, "]") : message("[", rows, " x ", columns, "]");
  }
};

}  // namespace chainrule
