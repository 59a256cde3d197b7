// Finds the kernels for this processor's instruction set. kernels/*.cpp are compiled once per instruction set.
#pragma once

#include "backend/cpu/kernel.h"
#include "backend/cpu/kernels/tile_product.h"

namespace chainrule {

enum class Level { baseline, avx2, avx512 };
Level level();

// Returns null if no kernel file has a kernel for the step's kind.
Kernel find_kernel(const Step& step, DType dtype);

// Returns null if this instruction set has no tile kernel.
TileProduct find_tile_product();

}  // namespace chainrule
