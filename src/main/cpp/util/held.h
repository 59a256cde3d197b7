// How a double is stored in a model's type.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "util/dtype.h"

namespace chainrule {

// Returns the value rounded to the type; infinite if it is beyond the range of the type.
inline double held(double value, DType dtype) {
  if (dtype != DType::float32 || std::isnan(value)) return value;
  if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max())) {
    return std::copysign(std::numeric_limits<double>::infinity(), value);
  }
  return static_cast<double>(static_cast<float>(value));
}

// Returns false if a finite value becomes infinite in the type.
inline bool holds(double value, DType dtype) {
  return std::isfinite(held(value, dtype)) || !std::isfinite(value);
}

}  // namespace chainrule
