// What the diagnosis reports about the CPU engine.
#pragma once

namespace chainrule {

// Returns the level of the kernels in use: baseline, avx2 or avx512.
const char* instruction_set_name();

}  // namespace chainrule
