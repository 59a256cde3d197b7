// What a device can do that CUDA's documentation does not say.
#pragma once

#include <cstdint>

namespace chainrule {
namespace cuda {

// Does a kernel in the conditional part of a graph get a parameter as large as the tile kernel's list of instructions? It is
// tried: false where a call fails or a value is another. The kernel writes nowhere unless it got its address intact, since an
// access that faults would be the end of everything that the process has on the device.
bool large_parameters_work(int32_t device);

}  // namespace cuda
}  // namespace chainrule
