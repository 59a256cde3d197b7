#include "util/range.h"

#include <cmath>

namespace chainrule {

bool contains(Range range, double value) {
  switch (range) {
    case Range::any: return std::isfinite(value);
    case Range::not_negative: return value >= 0 && std::isfinite(value);
    case Range::positive: return value > 0 && std::isfinite(value);
    case Range::factor: return value >= 0 && value < 1;
    case Range::flag: return value == 0 || value == 1;
  }
  return false;
}

const char* text_of(Range range) {
  switch (range) {
    case Range::any: return "finite";
    case Range::not_negative: return "0 or more and finite";
    case Range::positive: return "above 0 and finite";
    case Range::factor: return "at least 0 and less than 1";
    case Range::flag: return "0 or 1";
  }
  return "";
}

}  // namespace chainrule
