// Matrix products: whether the BLAS or our own tile kernel (kernels/tile_product.h) computes a product, and how it is
// cut into tiles.
//
// A tile is a rectangle of C. If the sum over k is split, the product has several parts: each part of k has its own
// sums, and C contains one block of rows per part (StepKind::product in program/program.h). A chunk is a group of
// neighbouring tiles that one thread computes together (engine.cpp). A product is narrow if its weight matrix is small:
// its tiles are then groups of samples.
#pragma once

#include <cstdint>

#include "backend/cpu/kernel.h"

namespace chainrule {

// What computes products. `automatic` is a fixed rule on type, shape and instruction set. The rule times nothing, so
// the same machine always computes the same bits. Existing plans keep the choice that they were created with.
enum class Products : int32_t { automatic = 0, blas = 1, own = 2 };
void set_products(Products which);
Products products();

// Returns true if our own tile kernel computes the product. The product's bits then do not depend on how it is cut.
bool by_tile_kernel(const Step& step, DType dtype);

// Returns the length of the parts of k: less than k if the result is small and the sum is long, otherwise k.
int64_t part_depth(int64_t rows, int64_t columns, int64_t k);

// Returns true if the product may run on the columns of the grid's tiles: its weight is small enough to stay in cache,
// and its bits do not change.
bool joins_columns(const Step& product, DType dtype, const Grid& grid);

// Returns how a product is cut into tiles if it is the first step of its phase.
Grid product_grid(const Step& step, DType dtype);

// Returns the kernel that computes a whole rectangle of the domain at once.
Kernel product_kernel(const Step& step, DType dtype);

// Computes a rectangle with the tile kernel. Calls `done`, unless it is null, with each piece of the rectangle as soon
// as that piece is final.
using RectDone = void (*)(void* argument, const Rect& piece);
void tile_product_in_parts(const Step& step, const Context& context, const Rect& rect, RectDone done,
                           void* argument);

// A product of at least this many multiply-adds is cut into tiles for several threads.
constexpr int64_t product_worth_cutting = 100000;
// The limit for products on tiles of samples, where other steps can follow on each tile, and for sums in parts.
constexpr int64_t narrow_worth_cutting = 50000;

}  // namespace chainrule
