// The two kinds of error of a call, and the functions that compose their messages.
#pragma once

#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace chainrule {

// An argument of the caller is wrong. The message has the operation, what was expected and what was got. Nothing has
// been changed.
class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Something other than an argument failed: memory, files, a loss that is not finite.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Writes a part of a message. A NaN is written as nan without a sign, because its sign has no meaning.
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

// Joins the parts of a message.
template <class... Parts>
std::string message(const Parts&... parts) {
  std::ostringstream out;
  (write_part(out, parts), ...);
  return out.str();
}

}  // namespace chainrule

// Throws InvalidArgument if the condition does not hold. The message is composed of the other arguments, which are
// evaluated only then.
#define REQUIRE(holds, ...)                                                              \
  do {                                                                                   \
    if (!(holds)) throw ::chainrule::InvalidArgument(::chainrule::message(__VA_ARGS__)); \
  } while (false)
