// A test of a property of the device that CUDA's documentation does not state.
#pragma once

#include <cstdint>

namespace chainrule {
namespace cuda {

// Returns true if a kernel in the conditional part of a graph gets a parameter as large as the tile kernel's
// instructions. Runs such a kernel. Returns false if a call fails or if any value that the kernel got is wrong. The
// kernel writes only if its address arrived intact, because an invalid access would make the device unusable for the
// whole process.
bool large_parameters_work(int32_t device);

}  // namespace cuda
}  // namespace chainrule
