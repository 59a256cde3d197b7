// Our own tile kernel for matrix products in float. It computes one tile, a rectangle of C. It is used for the products
// for which it is faster than the BLAS (by_tile_kernel in backend/cpu/products.cpp).
#pragma once

#include <cstdint>

namespace chainrule {

// C = α op(A) op(B) + β C. The matrices are row-major; op(A) is m x k, op(B) is k x n.
struct ProductTile {
  bool transposed_a, transposed_b;
  // The shape of the whole C, of which this tile may be a part. A column or a row is computed as a matrix times a
  // contiguous vector.
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

// A rectangle of the tile. (Not to be confused with the parts of k, StepKind::product in program/program.h.) The kernel
// calls PartDone when the rectangle is final and still in cache.
struct Part {
  int64_t row_begin, row_end, column_begin, column_end;
};
using PartDone = void (*)(void* argument, const Part& part);

// Computes a tile. Each element is summed over k in an order that does not depend on m and n, so the cut of C into
// tiles does not change any bit. `done` may be null.
using TileProduct = void (*)(const ProductTile& tile, float* scratch, PartDone done, void* argument);

// The largest number of columns of a Part. If the tile has at most this many columns, each Part has all of them.
constexpr int64_t tile_product_columns = 512;

// The size in bytes of the scratch memory that a call needs.
constexpr int64_t tile_product_scratch = int64_t{1} << 20;

}  // namespace chainrule
