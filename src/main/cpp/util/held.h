// What a model's type makes of a double.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "util/dtype.h"

namespace chainrule {

// The value rounded to the type; infinite beyond its range.
inline double held(double value, DType dtype) {
  if (dtype != DType::float32 || std::isnan(value)) return value;
  if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  }
  return static_cast<double>(static_cast<float>(value));
}

// Is a finite value still finite in the type?
inline bool holds(double value, DType dtype) {
  return std::isfinite(held(value, dtype)) || !std::isfinite(value);
}

}  // namespace chainrule
