// The two ways in which a call can fail, and the sentence that goes with each.
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace chainrule {

// What a caller passed is wrong: operation, expected, actual. Nothing has been changed.
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Something outside the caller's arguments failed: memory, files, a loss that is not finite.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes a part of a sentence. A number that is not finite is nan, inf or -inf: the sign of a NaN means nothing.
template <class Part>
void write_part(std::ostream& out, const Part& part) {
  if constexpr (std::is_floating_point_v<Part>) {
    if (std::isnan(part)) {
      out << "nan";
      return;
    }
  }
  out << part;
}

// Streams its parts into one sentence.
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream out;
  (write_part(out, parts), ...);
  return out.str();
}

}  // namespace chainrule

// Refuses the caller's argument with a sentence made of the parts, which are only looked at when it is refused.
#define REQUIRE(holds, ...)                                                              \
  do {                                                                                   \
    if (!(holds)) throw ::chainrule::InvalidArgument(::chainrule::message(__VA_ARGS__)); \
  } while (false)
