// The CPU kernels of each instruction set, for tests that run a step with the kernels of a given one. The engine itself
// only uses the kernels of the best set that the processor supports.
#pragma once

#include <vector>

#include "backend/cpu/kernel.h"

#define LEVEL(isa)                             \
  namespace isa {                              \
  Kernel find_elementwise(const Step&, DType); \
  Kernel find_rowwise(const Step&, DType);     \
  Kernel find_loss(const Step&, DType);        \
  Kernel find_layout(const Step&, DType);      \
  Kernel find_update(const Step&, DType);      \
  }
namespace chainrule {
LEVEL(baseline)
#if defined(__x86_64__)
LEVEL(avx2)
LEVEL(avx512)
#endif
}  // namespace chainrule

namespace test {

using namespace chainrule;

using Find = Kernel (*)(const Step&, DType);

struct Level {
  const char* name;
  bool supported;
  std::vector<Find> files;

  Kernel kernel(const Step& step, DType dtype) const {
    for (Find find : files) {
      if (Kernel found = find(step, dtype)) return found;
    }
    return nullptr;
  }
};

#define FILES(isa) \
  { isa::find_elementwise, isa::find_rowwise, isa::find_loss, isa::find_layout, isa::find_update }

// Returns the instruction sets of this build, the baseline first.
inline std::vector<Level> levels() {
  std::vector<Level> all = {{"baseline", true, FILES(baseline)}};
#if defined(__x86_64__)
  __builtin_cpu_init();
  all.push_back({"avx2", __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), FILES(avx2)});
  all.push_back({"avx512",
                 __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"),
                 FILES(avx512)});
#endif
  return all;
}

#undef FILES
#undef LEVEL

}  // namespace test
