#include "backend/cpu/levels.h"

#include "backend/cpu/cpu.h"

namespace chainrule {

// Declares the kernel files of a level. This build has one set of kernels per level.
#define CHAINRULE_LEVEL(isa)                          \
  namespace isa {                                     \
  Kernel find_elementwise(const Step&, DType);        \
  Kernel find_rowwise(const Step&, DType);            \
  Kernel find_loss(const Step&, DType);               \
  Kernel find_layout(const Step&, DType);             \
  Kernel find_update(const Step&, DType);             \
  TileProduct tile_product();                         \
  static Kernel find(const Step& step, DType dtype) { \
    Kernel kernel = find_elementwise(step, dtype);    \
    if (!kernel) kernel = find_rowwise(step, dtype);  \
    if (!kernel) kernel = find_loss(step, dtype);     \
    if (!kernel) kernel = find_layout(step, dtype);   \
    if (!kernel) kernel = find_update(step, dtype);   \
    return kernel;                                    \
  }                                                   \
  }
CHAINRULE_LEVEL(baseline)
#if defined(__x86_64__)
CHAINRULE_LEVEL(avx2)
CHAINRULE_LEVEL(avx512)
#endif
#undef CHAINRULE_LEVEL

namespace {

Level detect_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Level::baseline;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
    return Level::avx512;
  }
  return Level::avx2;
#else
  return Level::baseline;
#endif
}

}  // namespace

Level level() {
  static const Level found = detect_level();
  return found;
}

Kernel find_kernel(const Step& step, DType dtype) {
#if defined(__x86_64__)
  if (level() == Level::avx512) return avx512::find(step, dtype);
  if (level() == Level::avx2) return avx2::find(step, dtype);
#endif
  return baseline::find(step, dtype);
}

TileProduct find_tile_product() {
#if defined(__x86_64__)
  if (level() == Level::avx512) return avx512::tile_product();
  if (level() == Level::avx2) return avx2::tile_product();
#endif
  return baseline::tile_product();
}

const char* instruction_set_name() {
  switch (level()) {
    case Level::baseline: return "baseline";
    case Level::avx2: return "avx2";
    case Level::avx512: return "avx512";
  }
  return "";
}

}  // namespace chainrule
