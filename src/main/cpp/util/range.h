// The allowed range of a number that a user gives: a setting of an optimizer, or the constant of an operation.
#pragma once

#include <cstdint>

namespace chainrule {

// In every range the values must be finite.
enum class Range : int32_t {
  any,
  not_negative,  // 0 or more
  positive,      // above 0
  factor,        // at least 0 and less than 1
  flag,          // 0 or 1
};

bool contains(Range range, double value);
// Returns the range in words, to follow "must be".
const char* text_of(Range range);

}  // namespace chainrule
