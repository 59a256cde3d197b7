// Kernels for the user's own operations. They call the host (ops/custom.h) on the thread that runs the program.
#pragma once

#include "backend/cpu/kernel.h"

namespace chainrule {

Kernel custom_kernel(DType dtype);

}  // namespace chainrule
