// A small JSON value for file headers and graphs. Reading is strict, writing is exact, and objects keep the order of
// their members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace chainrule {

// A JSON value. A member of an object is a value that stores its key, so that messages about the value can name the
// key.
class Json {
 public:
  enum class Kind { null, boolean, integer, real, string, array, object };

  // Construction. Json(3) is an integer and Json(3.0) a real number; both are numbers.
  Json() = default;
  Json(std::nullptr_t) {}  // NOLINT: implicit, so that C++ values can be written like JSON
  template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Json(T value) {  // NOLINT
    if constexpr (std::is_same_v<T, bool>) {
      kind_ = Kind::boolean;
      integer_ = value ? 1 : 0;
    } else if constexpr (std::is_integral_v<T>) {
      if constexpr (std::is_unsigned_v<T>) check_fits(value);
      kind_ = Kind::integer;
      integer_ = static_cast<int64_t>(value);
    } else {
      kind_ = Kind::real;
      real_ = static_cast<double>(value);
    }
  }
  Json(std::string text) : kind_(Kind::string), text_(std::move(text)) {}  // NOLINT
  Json(std::string_view text) : kind_(Kind::string), text_(text) {}        // NOLINT
  Json(const char* text) : kind_(Kind::string), text_(text) {}             // NOLINT
  static Json make_array();
  static Json make_object();
  template <class Range>
  static Json make_array(const Range& values) {
    Json array = make_array();
    for (const auto& value : values) array.push(value);
    return array;
  }
  Json& push(Json value);                  // appends to an array; returns the array
  Json& set(std::string key, Json value);  // adds or replaces a member; returns the object
  Json& add(std::string key, Json value);  // adds a member that must be new, without searching for its key

  // Reading. Each function throws Error if the value is of another kind; the message names the key.
  Kind kind() const { return kind_; }
  bool boolean() const;
  int64_t integer() const;  // only a number without fraction and exponent that fits into 64 bits
  double number() const;    // integer or real
  const std::string& string() const;
  const std::vector<Json>& array() const;
  const std::vector<Json>& object() const;         // the members in order, each with its key()
  const std::string& key() const { return key_; }  // empty outside an object
  const Json* find(std::string_view key) const;    // null if there is none
  const Json& at(std::string_view key) const;      // throws Error if there is none

 private:
  static void check_fits(uint64_t value);
  void expect(Kind kind) const;
  [[noreturn]] void refuse(const char* expected) const;

  Kind kind_ = Kind::null;
  union {
    int64_t integer_ = 0;
    double real_;
  };
  std::string key_;
  std::string text_;
  std::vector<Json> items_;  // of an array or an object
};

constexpr int max_json_depth = 64;
// A value needs about a hundred bytes of memory, but only one or two bytes of a file.
constexpr int64_t max_json_values = 1'000'000;

// Parses JSON strictly as RFC 8259 defines it: no duplicate keys, NaN, comments, leading zeros, unescaped control
// characters or invalid UTF-8, and only white space after the value. Throws Error; the message has the reason and the
// position of the byte.
Json parse(std::string_view text);

// Writes JSON without white space. A real number is written as the shortest text that is read back as the same bits,
// always with '.' or 'e'. Throws InvalidArgument for values that JSON does not support: NaN, infinity, invalid UTF-8,
// and nesting beyond the limit.
std::string dump(const Json& value);

// Prepares foreign text for a message: in double quotes, escaped, and at most about 80 bytes long.
std::string quote(std::string_view text);

// Returns the length of the valid UTF-8 sequence at `begin`, or 0 if there is none.
size_t utf8_sequence(std::string_view text, size_t begin);

}  // namespace chainrule
