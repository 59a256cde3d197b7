// Matrix products: which of them the BLAS computes and which our own tile kernel, and how they are cut.
#pragma once

#include <cstdint>

#include "backend/cpu/kernel.h"

namespace chainrule {

// Who computes products. `automatic` is a fixed rule on type, shape and instruction set: nothing is timed, so that the
// same machine always computes the same bits. Plans that exist keep what they were made with.
enum class Products : int32_t { automatic = 0, blas = 1, own = 2 };
void set_products(Products which);
Products products();

// Does our own tile kernel compute this one? (If so, bits do not depend on how it is cut.)
bool by_tile_kernel(const Step& step, DType dtype);

// How much of k is summed at a time; less than all of it for small results of long sums.
int64_t part_depth(int64_t rows, int64_t columns, int64_t k);

// May it run on the columns of the grid's tiles, with weights that stay in cache beside them?
bool joins_columns(const Step& product, DType dtype, const Grid& grid);

Grid product_grid(const Step& step, DType dtype);

// For a whole rectangle of the domain at once.
Kernel product_kernel(const Step& step, DType dtype);

// By the tile kernel, calling `done` with each part of the rectangle as soon as it is final.
using RectDone = void (*)(void* argument, const Rect& part);
void tile_product_in_parts(const Step& step, const Context& context, const Rect& rect, RectDone done,
                           void* argument);

// About how many multiply-adds are worth another thread.
constexpr int64_t product_worth_cutting = 100000;
// The same where other steps may follow on each tile.
constexpr int64_t narrow_worth_cutting = 50000;

}  // namespace chainrule
