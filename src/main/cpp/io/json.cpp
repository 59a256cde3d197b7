#include "io/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "util/check.h"

namespace chainrule {
namespace {

const char* describe(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::null: return "null";
    case Json::Kind::boolean: return "a boolean";
    case Json::Kind::integer: return "an integer";
    case Json::Kind::real: return "a real number";
    case Json::Kind::string: return "a string";
    case Json::Kind::array: return "an array";
    case Json::Kind::object: return "an object";
  }
  return "unknown";
}

void append_escaped(std::string& out, std::string_view text) {
  static const char* const digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte < 0x20) {
          out += "\\u00";
          out += digits[byte >> 4];
          out += digits[byte & 15];
        } else {
          out += c;
        }
    }
  }
}

void dump_string(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_sequence(text, i);
    if (length == 0) {
      throw InvalidArgument(
          message("JSON text must be valid UTF-8, but byte ", i, " of ", quote(text), " is not"));
    }
    i += length;
  }
  out += '"';
  append_escaped(out, text);
  out += '"';
}

void dump_real(std::string& out, double value) {
  REQUIRE(std::isfinite(value), "JSON: expected a finite number, but got ", value);
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  const std::string_view text(buffer, static_cast<size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".e") == text.npos) out += ".0";  // so that it is read as a real number
}

void dump_value(std::string& out, const Json& value, int depth) {
  REQUIRE(depth <= max_json_depth, "JSON is nested deeper than ", max_json_depth, " levels");
  const char* separator = "";
  switch (value.kind()) {
    case Json::Kind::null: out += "null"; break;
    case Json::Kind::boolean: out += value.boolean() ? "true" : "false"; break;
    case Json::Kind::integer: out += std::to_string(value.integer()); break;
    case Json::Kind::real: dump_real(out, value.number()); break;
    case Json::Kind::string: dump_string(out, value.string()); break;
    case Json::Kind::array:
      out += '[';
      for (const Json& item : value.array()) {
        out += separator;
        dump_value(out, item, depth + 1);
        separator = ",";
      }
      out += ']';
      break;
    case Json::Kind::object:
      out += '{';
      for (const Json& member : value.object()) {
        out += separator;
        dump_string(out, member.key());
        out += ':';
        dump_value(out, member, depth + 1);
        separator = ",";
      }
      out += '}';
      break;
  }
}

}  // namespace

Json Json::make_array() {
  Json value;
  value.kind_ = Kind::array;
  return value;
}

Json Json::make_object() {
  Json value;
  value.kind_ = Kind::object;
  return value;
}

Json& Json::push(Json value) {
  expect(Kind::array);
  value.key_.clear();
  items_.push_back(std::move(value));
  return *this;
}

Json& Json::set(std::string key, Json value) {
  expect(Kind::object);
  for (Json& member : items_) {
    if (member.key_ != key) continue;
    value.key_ = std::move(key);
    member = std::move(value);
    return *this;
  }
  return add(std::move(key), std::move(value));
}

Json& Json::add(std::string key, Json value) {
  expect(Kind::object);
  value.key_ = std::move(key);
  items_.push_back(std::move(value));
  return *this;
}

void Json::check_fits(uint64_t value) {
  REQUIRE(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
          "JSON: expected a signed 64-bit integer, but got ", value);
}

void Json::refuse(const char* expected) const {
  const std::string name = key_.empty() ? std::string("a JSON value") : quote(key_);
  throw Error(message(name, " should be ", expected, ", but is ", describe(kind_)));
}

void Json::expect(Kind kind) const {
  if (kind_ != kind) refuse(describe(kind));
}

bool Json::boolean() const {
  expect(Kind::boolean);
  return integer_ != 0;
}

int64_t Json::integer() const {
  expect(Kind::integer);
  return integer_;
}

double Json::number() const {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  if (kind_ != Kind::real) refuse("a number");
  return real_;
}

const std::string& Json::string() const {
  expect(Kind::string);
  return text_;
}

const std::vector<Json>& Json::array() const {
  expect(Kind::array);
  return items_;
}

const std::vector<Json>& Json::object() const {
  expect(Kind::object);
  return items_;
}

const Json* Json::find(std::string_view key) const {
  for (const Json& member : object()) {
    if (member.key_ == key) return &member;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  if (const Json* member = find(key)) return *member;
  const std::string name = key_.empty() ? std::string("the JSON object") : quote(key_);
  throw Error(message(name, " has no ", quote(key)));
}

std::string dump(const Json& value) {
  std::string out;
  dump_value(out, value, 1);
  return out;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    if (out.size() > 80) {
      out += "…";
      break;
    }
    const size_t length = utf8_sequence(text, i);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // the replacement character
    } else {
      append_escaped(out, text.substr(i, length));
    }
    i += std::max<size_t>(length, 1);
  }
  return out + '"';
}

size_t utf8_sequence(std::string_view text, size_t begin) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(begin), second = byte(begin + 1);
  if (begin >= text.size()) return 0;
  if (first < 0x80) return 1;
  const auto continues = [&](size_t i) { return (byte(begin + i) & 0xC0) == 0x80; };
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  // The limits on the second byte exclude overlong forms, surrogates and code points above U+10FFFF.
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace chainrule
