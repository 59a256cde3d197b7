// A tile kernel of our own for matrix products in float, for the shapes at which it is faster than the BLAS
// (by_tile_kernel in backend/cpu/products.cpp says which).
#pragma once

#include <cstdint>

namespace chainrule {

// C = α op(A) op(B) + β C, row-major; op(A) is m x k, op(B) k x n.
struct ProductTile {
  bool transposed_a, transposed_b;
  // What the whole C is, of which this may be a part. A column or a row is computed as a matrix times a contiguous
  // vector.
  enum Kind { matrix, column, row } kind;
  int64_t m, n, k;
  float alpha;
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_stride;
  float beta;
  float* c;
  int64_t c_stride;
};

// Called when a part of C is final and still in cache.
struct Part {
  int64_t row_begin, row_end, column_begin, column_end;
};
using PartDone = void (*)(void* argument, const Part& part);

// Every element is summed over k in one order, the same for any m and n: how C is cut into tiles changes no bit.
using TileProduct = void (*)(const ProductTile& tile, float* scratch, PartDone done, void* argument);

// A part has all columns of C where it has at most so many.
constexpr int64_t tile_product_columns = 512;

// Bytes of scratch memory that a call needs.
constexpr int64_t tile_product_scratch = int64_t{1} << 20;

}  // namespace chainrule
