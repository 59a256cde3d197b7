// What diagnosis wants to know of the CPU engine.
#pragma once

namespace chainrule {

// The kernels in use: baseline, avx2 or avx512.
const char* instruction_set_name();

}  // namespace chainrule
