// A small JSON value for headers and graphs: strict on reading, exact on writing, objects keep their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace chainrule {

// A member of an object is a Json that knows its key, so that a complaint about it can name it.
class Json {
 public:
  enum class Kind { null, boolean, integer, real, string, array, object };

  // Building. Json(3) is an integer, Json(3.0) a real number; both are numbers.
  Json() = default;
  Json(std::nullptr_t) {}  // NOLINT: implicit, so that values read like JSON
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
  Json& add(std::string key, Json value);  // adds a member known to be new, without the search

  // Reading. Each throws Error with a sentence naming the key when the value is of another kind.
  Kind kind() const { return kind_; }
  bool boolean() const;
  int64_t integer() const;  // only what was written without fraction and exponent, and fits
  double number() const;    // integer or real
  const std::string& string() const;
  const std::vector<Json>& array() const;
  const std::vector<Json>& object() const;         // the members in order, each with its key()
  const std::string& key() const { return key_; }  // empty outside an object
  const Json* find(std::string_view key) const;    // null when absent
  const Json& at(std::string_view key) const;      // throws when absent

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
constexpr int64_t max_json_values = 1'000'000;  // a value takes a hundred bytes of memory and one of a file

// RFC 8259 and no more: no duplicate keys, NaN, comments, leading zeros, control characters, bad UTF-8, or
// anything but white space after the value. Throws Error saying what is wrong at which byte.
Json parse(std::string_view text);

// Without white space. Reals are the shortest text that reads back to the same bits, always with '.' or 'e'.
// Throws InvalidArgument for what JSON cannot hold: NaN, infinity, bad UTF-8, nesting beyond the limit.
std::string dump(const Json& value);

// Text from outside, fit for a message: in double quotes, escaped, at most about 80 bytes.
std::string quote(std::string_view text);

// The length of the valid UTF-8 sequence at `begin`, 0 when there is none.
size_t utf8_sequence(std::string_view text, size_t begin);

}  // namespace chainrule
