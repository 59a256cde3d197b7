// Implements parse() of json.h: one recursive pass, with limits on depth and on the number of values.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "io/json.h"
#include "util/check.h"

namespace chainrule {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json document() {
    Json value = parse_value(1);
    skip_space();
    if (position_ != text_.size()) fail("expected the end, but got " + found());
    return value;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(message("invalid JSON at byte ", position_, ": ", what));
  }

  std::string found() const {
    if (position_ >= text_.size()) return "the end of the text";
    return quote(text_.substr(position_, std::max<size_t>(utf8_sequence(text_, position_), 1)));
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool accept(char c) {
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(message("expected '", c, "', but got ", found()));
  }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++position_;
  }

  Json parse_value(int depth) {
    skip_space();
    if (++values_ > max_json_values) fail(message("more than ", max_json_values, " values"));
    if (depth > max_json_depth) fail(message("nested deeper than ", max_json_depth, " levels"));
    switch (peek()) {
      case '{': return parse_object(depth);
      case '[': return parse_array(depth);
      case '"': return parse_string();
      case 't': return parse_word("true", true);
      case 'f': return parse_word("false", false);
      case 'n': return parse_word("null", nullptr);
      default: return parse_number();
    }
  }

  Json parse_word(std::string_view word, Json value) {
    if (text_.substr(position_, word.size()) != word) fail("expected a value, but got " + found());
    position_ += word.size();
    return value;
  }

  Json parse_array(int depth) {
    expect('[');
    Json array = Json::make_array();
    skip_space();
    if (accept(']')) return array;
    do {
      array.push(parse_value(depth + 1));
      skip_space();
    } while (accept(','));
    expect(']');
    return array;
  }

  Json parse_object(int depth) {
    expect('{');
    Json object = Json::make_object();
    skip_space();
    if (accept('}')) return object;
    do {
      skip_space();
      std::string key = parse_string();
      skip_space();
      expect(':');
      object.add(std::move(key), parse_value(depth + 1));
      skip_space();
    } while (accept(','));
    expect('}');
    refuse_duplicates(object);
    return object;
  }

  // Sorting keeps this fast for objects with very many keys.
  void refuse_duplicates(const Json& object) const {
    std::vector<std::string_view> keys;
    for (const Json& member : object.object()) keys.push_back(member.key());
    std::sort(keys.begin(), keys.end());
    const auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin != keys.end()) fail(message("the key ", quote(*twin), " occurs twice in one object"));
  }

  void digits() {
    if (peek() < '0' || peek() > '9') fail("expected a digit, but got " + found());
    while (peek() >= '0' && peek() <= '9') ++position_;
  }

  Json parse_number() {
    const size_t begin = position_;
    if (peek() != '-' && (peek() < '0' || peek() > '9')) fail("expected a value, but got " + found());
    accept('-');
    if (accept('0')) {
      if (peek() >= '0' && peek() <= '9') fail("a number must not start with an unnecessary 0");
    } else {
      digits();
    }
    const size_t end_of_integer = position_;
    if (accept('.')) digits();
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      digits();
    }
    const char* const first = text_.data() + begin;
    const char* const last = text_.data() + position_;
    int64_t integer = 0;
    const bool whole = position_ == end_of_integer;
    if (whole && std::from_chars(first, last, integer).ec == std::errc()) return integer;
    double real = 0;
    // from_chars does not depend on the locale, so the result is the same where the decimal separator is a comma.
    if (std::from_chars(first, last, real).ec != std::errc() || !std::isfinite(real)) {
      position_ = begin;
      fail("the number is outside the range of a double");
    }
    return real;
  }

  std::string parse_string() {
    if (peek() != '"') fail("expected a string in double quotes, but got " + found());
    ++position_;
    std::string out;
    while (true) {
      if (position_ >= text_.size()) fail("expected the closing '\"' of a string, but got " + found());
      const auto byte = static_cast<unsigned char>(text_[position_]);
      if (byte == '"') break;
      if (byte < 0x20) fail("a control character inside a string must be escaped");
      if (byte == '\\') {
        ++position_;
        parse_escape(out);
        continue;
      }
      const size_t length = utf8_sequence(text_, position_);
      if (length == 0) fail("the text is not valid UTF-8");
      out.append(text_, position_, length);
      position_ += length;
    }
    ++position_;
    return out;
  }

  void parse_escape(std::string& out) {
    const char c = peek();
    switch (c) {
      case '"':
      case '\\':
      case '/': out += c; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': return parse_unicode_escape(out);
      default: fail("expected one of \"\\/bfnrtu after '\\', but got " + found());
    }
    ++position_;
  }

  void parse_unicode_escape(std::string& out) {
    uint32_t code = four_digits();
    if (code >= 0xDC00 && code <= 0xDFFF) fail("a surrogate pair has no first half");
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (!accept('\\')) fail("expected the second half of a surrogate pair, but got " + found());
      const uint32_t low = four_digits();
      if (low < 0xDC00 || low > 0xDFFF) fail("a surrogate pair has no second half");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6), tail(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12), tail(6), tail(0);
    } else {
      out += static_cast<char>(0xF0 | code >> 18), tail(12), tail(6), tail(0);
    }
  }

  // Parses "uXXXX", the part of an escape after the backslash.
  uint32_t four_digits() {
    expect('u');
    uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++position_) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) fail("expected four hexadecimal digits after \\u, but got " + found());
      code = code * 16 + static_cast<uint32_t>(digit);
    }
    return code;
  }

  std::string_view text_;
  size_t position_ = 0;
  int64_t values_ = 0;
};

}  // namespace

Json parse(std::string_view text) { return Parser(text).document(); }

}  // namespace chainrule
