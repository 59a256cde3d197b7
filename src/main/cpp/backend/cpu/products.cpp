#include "backend/cpu/products.h"

#include <algorithm>
#include <atomic>

#include "backend/cpu/blas.h"
#include "backend/cpu/grid.h"
#include "backend/cpu/levels.h"
#include "backend/cpu/scratch.h"
#include "util/check.h"

namespace chainrule {

namespace {

std::atomic<Products> chosen{Products::automatic};

template <class T>
const T* factor(const Context& context, const Operand& operand) {
  const char* base = operand.space == Space::input ? static_cast<const char*>(context.inputs[operand.slot])
                                                   : context.base[static_cast<int32_t>(operand.space)];
  return reinterpret_cast<const T*>(base + operand.offset);
}

// The GEMM arguments that compute the rectangle `rect` of C = α op(A) op(B) + β C. op(X) is X or its transpose.
template <class T>
struct Arguments {
  int64_t m, n, k;
  T alpha, beta;
  const T *a, *b;
  T* c;

  // If the sum over k is split (step.parts > 1), C is a stack of step.parts blocks of rows, the parts. `rect` must be
  // in one of them.
  Arguments(const Step& step, const Context& context, const Rect& rect)
      : m(rect.row_end - rect.row_begin), n(rect.column_end - rect.column_begin) {
    const Operand &to = step.operands[0], &left = step.operands[1], &right = step.operands[2];
    const double rate = context.update.learning_rate();
    const int64_t part = rect.row_begin / (step.rows / step.parts),
                  row = rect.row_begin % (step.rows / step.parts);
    const int64_t first = part == 0 ? 0 : part * step.part_depth;
    k = std::min(step.part_depth, step.k - first);
    alpha = static_cast<T>(step.alpha.at(rate));
    beta = static_cast<T>(step.beta.at(rate));
    c = const_cast<T*>(factor<T>(context, to)) + rect.row_begin * to.row_stride + rect.column_begin;
    a = factor<T>(context, left) +
        (step.transposed_a ? first * left.row_stride + row : row * left.row_stride + first);
    b = factor<T>(context, right) + (step.transposed_b ? rect.column_begin * right.row_stride + first
                                                       : first * right.row_stride + rect.column_begin);
  }
};

// Cuts the rectangle at the boundaries of the parts and calls body() with each piece.
template <class Body>
void for_parts(const Step& step, const Rect& rect, Body body) {
  const int64_t height = step.rows / step.parts;
  for (int64_t row = rect.row_begin; row < rect.row_end;) {
    const int64_t end = std::min((row / height + 1) * height, rect.row_end);
    body(Rect{row, end, rect.column_begin, rect.column_end});
    row = end;
  }
}

template <class T>
void blas_product(const Step& step, const Context& context, const Rect& rect) {
  for_parts(step, rect, [&](const Rect& part) {
    const Arguments<T> of(step, context, part);
    gemm<T>(step.transposed_a, step.transposed_b, of.m, of.n, of.k, of.alpha, of.a,
            step.operands[1].row_stride, of.b, step.operands[2].row_stride, of.beta, of.c,
            step.operands[0].row_stride);
  });
}

ProductTile::Kind kind_of(const Step& step) {
  if (step.columns == 1) return ProductTile::column;
  return step.rows == step.parts ? ProductTile::row : ProductTile::matrix;
}

void whole_tile_product(const Step& step, const Context& context, const Rect& rect) {
  for_parts(step, rect,
            [&](const Rect& part) { tile_product_in_parts(step, context, part, nullptr, nullptr); });
}

// Products computed by the BLAS: the intended number of rows per tile, and the largest number of tiles.
constexpr int64_t blas_tile_rows = 128;
constexpr int64_t blas_max_tiles = 16;
// Products computed by the tile kernel: the intended number of multiply-adds per tile, the largest number of tiles, and
// the unit to which a tile's columns are rounded up. A phase with more tiles than chunks (CpuBackend::chunks) computes
// neighbouring tiles together.
constexpr int64_t own_tile_work = 200000;
constexpr int64_t own_max_tiles = 64;
constexpr int64_t own_tile_columns = 32;
// With fewer columns than this, by_tile_kernel() prefers the BLAS.
constexpr int64_t few_columns = 16;
// part_depth() splits the sum over k if k >= long_sum, the result has at most long_sum_side rows and at most
// long_sum_side columns, and the product is large enough (narrow_worth_cutting). product_grid() also uses long_sum: it
// cuts a batch into tiles of samples only if the batch has at least this many.
constexpr int64_t long_sum_side = 96;
constexpr int64_t long_sum = 1024;
// The largest weight matrix, in elements, for which the batch is cut into tiles of samples. Such a matrix stays in
// cache from one tile to the next.
constexpr int64_t narrow_weight = 32768;
// The largest weight matrix, in elements, that fits into the cores' caches if each core holds only the rows that its
// thread computes.
constexpr int64_t weight_in_cache = 131072;

// Returns the number of samples per tile: a sixteenth of the batch, from 32 to 1024, but more if there would be over
// 256 tiles. The result is rounded up to a multiple of loss_block. part_depth() uses it as the length of a part.
int64_t sample_tile(int64_t samples) {
  const int64_t columns =
      std::max(std::clamp<int64_t>(ceil_div(samples, 16), 32, 1024), ceil_div(samples, 256));
  return ceil_div(columns, loss_block) * loss_block;
}

// Returns true if the rows of C are cut, false if its columns are. Each tile packs (copies into panels,
// kernels/tile_product.cpp) its part of one operand and all of the other, so the side that packs less is cut. The
// columns count double if B is transposed, because packing it takes about twice as long.
bool along_rows(const Step& step) {
  const bool update = step.k < step.rows && step.k < step.columns;
  // A product whose k is less than both its rows and its columns is taken for the gradient of a weight matrix. If that
  // matrix is small, cutting rows is preferred (weighted 8 to 1), because the forward product is usually cut by rows
  // too: each thread then updates the rows that are already in its cache.
  const int64_t weight = update && step.rows * step.columns <= weight_in_cache ? 8 : 1;
  return step.columns * (step.transposed_b ? 2 : 1) <= step.rows * weight;
}

}  // namespace

void set_products(Products which) {
  const int32_t number = static_cast<int32_t>(which);
  REQUIRE(number >= 0 && number <= 2,
          "matrix products: expected 0 (automatic), 1 (BLAS) or 2 (own kernel), but got ", number);
  chosen.store(which, std::memory_order_relaxed);
}

int64_t part_depth(int64_t rows, int64_t columns, int64_t k) {
  if (rows > long_sum_side || columns > long_sum_side || k < long_sum) return k;
  if (rows * columns < narrow_worth_cutting / k) return k;
  return sample_tile(k);
}

bool joins_columns(const Step& product, DType dtype, const Grid& grid) {
  if (product.rows * product.k > narrow_weight) return false;
  if (by_tile_kernel(product, dtype)) return true;
  const Grid own = product_grid(product, dtype);
  return own.only_columns() && own.tile_columns == grid.tile_columns;
}

Products products() { return chosen.load(std::memory_order_relaxed); }

bool by_tile_kernel(const Step& step, DType dtype) {
  static const bool available = find_tile_product() != nullptr;
  const Products which = products();
  if (!available || dtype != DType::float32 || which == Products::blas) return false;
  if (which == Products::own) return true;
  // With 2 to 15 columns packing does not pay: each packed element is used only once or twice. A single column needs no
  // packing, but with a transposed A each tile would read A in short pieces.
  if (step.columns < few_columns && (step.columns > 1 || step.transposed_a)) return false;
  if (kind_of(step) != ProductTile::matrix) return true;
  const int64_t rows = step.rows / step.parts;
  // All rows of C share the packing of a transposed B. With fewer than 32 rows the packing would take most of the time.
  // The exception, k < columns, occurs in the gradient of a weight matrix with a small batch.
  return !step.transposed_b || rows >= 32 || step.k < step.columns;
}

Grid product_grid(const Step& step, DType dtype) {
  // The number of multiply-adds is work * k. That product could overflow, so the limits below are divided by k instead.
  const int64_t work = step.rows * step.columns;
  if (step.parts > 1) return {step.rows / step.parts, step.columns, step.parts, 1};
  if (step.rows * step.k <= narrow_weight && step.columns >= long_sum &&
      work >= narrow_worth_cutting / step.k) {
    const int64_t columns = sample_tile(step.columns);
    return {step.rows, columns, 1, ceil_div(step.columns, columns)};
  }
  if (work < product_worth_cutting / step.k) return cut(step.rows, step.columns, 1, true);
  if (by_tile_kernel(step, dtype)) {
    const int64_t tiles =
        std::clamp<int64_t>(work / std::max<int64_t>(own_tile_work / step.k, 1), 2, own_max_tiles);
    return cut(step.rows, step.columns, tiles, along_rows(step), own_tile_columns);
  }
  if (step.rows < 64 && step.columns >= 128) {
    return cut(step.rows, step.columns, std::clamp<int64_t>(step.columns / 64, 2, blas_max_tiles), false);
  }
  return cut(step.rows, step.columns, std::clamp<int64_t>(step.rows / blas_tile_rows, 2, blas_max_tiles),
             true);
}

Kernel product_kernel(const Step& step, DType dtype) {
  if (by_tile_kernel(step, dtype)) return whole_tile_product;
  return dtype == DType::float32 ? blas_product<float> : blas_product<double>;
}

void tile_product_in_parts(const Step& step, const Context& context, const Rect& rect, RectDone done,
                           void* argument) {
  static const TileProduct compute = find_tile_product();
  float* const panels = panel_scratch();
  if (panels == nullptr) {
    // The scratch memory could not be allocated, so the BLAS computes the product. It rounds differently: the last bits
    // of the result can differ.
    blas_product<float>(step, context, rect);
    if (done != nullptr) done(argument, rect);
    return;
  }
  const Arguments<float> of(step, context, rect);
  struct Shifted {
    RectDone done;
    void* argument;
    const Rect& rect;
  } shifted{done, argument, rect};
  const PartDone part_done = [](void* to, const Part& part) {
    const Shifted& by = *static_cast<const Shifted*>(to);
    by.done(by.argument, {by.rect.row_begin + part.row_begin, by.rect.row_begin + part.row_end,
                          by.rect.column_begin + part.column_begin, by.rect.column_begin + part.column_end});
  };
  compute({step.transposed_a, step.transposed_b, kind_of(step), of.m, of.n, of.k, of.alpha, of.a,
           step.operands[1].row_stride, of.b, step.operands[2].row_stride, of.beta, of.c,
           step.operands[0].row_stride},
          panels, done == nullptr ? nullptr : part_done, &shifted);
}

}  // namespace chainrule
