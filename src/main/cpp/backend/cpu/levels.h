// The kernels of the instruction set that this processor has (kernels/*.cpp are compiled once for each).
#pragma once

#include "backend/cpu/kernel.h"
#include "backend/cpu/kernels/tile_product.h"

namespace chainrule {

enum class Level { baseline, avx2, avx512 };
Level level();

// Null: no file has one for the step's kind.
Kernel find_kernel(const Step& step, DType dtype);

// Null: this instruction set has none.
TileProduct find_tile_product();

}  // namespace chainrule
