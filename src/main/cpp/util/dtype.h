// The element types of values.
#pragma once

#include <cstdint>

namespace chainrule {

enum class DType : int32_t { float32 = 0, float64 = 1 };

inline int64_t size_of(DType type) { return type == DType::float32 ? 4 : 8; }
inline const char* name_of(DType type) { return type == DType::float32 ? "float" : "double"; }

}  // namespace chainrule
