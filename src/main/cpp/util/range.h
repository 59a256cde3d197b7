// Which values a number that a user gives may have: a setting of an optimizer, the constant of an operation.
#pragma once

#include <cstdint>

namespace chainrule {

// All are finite.
enum class Range : int32_t {
  any,
  not_negative,  // 0 or more
  positive,      // above 0
  factor,        // at least 0 and less than 1
  flag,          // 0 or 1
};

bool contains(Range range, double value);
// What follows "must be".
const char* text_of(Range range);

}  // namespace chainrule
