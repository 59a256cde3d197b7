#include "backend/cuda/product_text.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <initializer_list>
#include <iterator>

#include "util/check.h"

namespace chainrule {
namespace cuda {

namespace {

const char* const type_names[] = {"float32", "tf32", "bfloat16", "float64"};
constexpr int64_t most_nanoseconds = int64_t{1} << 50;  // 13 days

std::string microseconds(int64_t nanoseconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f µs", static_cast<double>(nanoseconds) / 1e3);
  return text;
}

// Reads a line word by word. Words are separated by single spaces. In the functions, `what` names the expected word for
// the error message.
class Words {
 public:
  explicit Words(const std::string& line) : line_(line) {}

  std::string next(const char* what) {
    if (at_ > line_.size()) throw Error(message("expected ", what, ", but the line ends"));
    const size_t end = std::min(line_.find(' ', at_), line_.size());
    const std::string word = line_.substr(at_, end - at_);
    at_ = end + 1;
    return word;
  }

  template <class T>
  T number(const char* what, T least, T most, int base = 10) {
    const std::string word = next(what);
    T value{};
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    if (word.empty() || problem != std::errc() || end != word.data() + word.size() || value < least ||
        value > most) {
      throw Error(message("expected ", what, " from ", least, " to ", most, ", but got '", word, "'"));
    }
    return value;
  }

  // Returns the index of the next word in `words`.
  int32_t one_of(const char* what, std::initializer_list<const char*> words) {
    const std::string word = next(what);
    int32_t place = 0;
    for (const char* expected : words) {
      if (word == expected) return place;
      ++place;
    }
    throw Error(message("expected ", what, ", but got '", word, "'"));
  }

  void end() const {
    if (at_ <= line_.size())
      throw Error(message("expected the end of the line, but got '", line_.substr(at_ - 1), "'"));
  }

 private:
  const std::string& line_;
  size_t at_ = 0;
};

int32_t alignment(Words* words) {
  const int32_t value = words->number<int32_t>("an alignment", 1, most_alignment);
  if ((value & (value - 1)) != 0)
    throw Error(message("expected an alignment that is a power of 2, but got ", value));
  return value;
}

Algorithm parse_algorithm(const std::string& hex) {
  Algorithm algorithm;
  constexpr size_t digits = 16;
  const size_t expected = digits * std::size(algorithm.words);
  if (hex.size() != expected) {
    throw Error(message("expected an algorithm of ", expected, " hexadecimal digits, but got ", hex.size(),
                        " characters"));
  }
  for (size_t i = 0; i < std::size(algorithm.words); ++i) {
    const char* begin = hex.data() + i * digits;
    const auto [end, problem] = std::from_chars(begin, begin + digits, algorithm.words[i], 16);
    if (problem != std::errc() || end != begin + digits) {
      throw Error(
          message("expected an algorithm in hexadecimal digits, but got '", std::string(begin, digits), "'"));
    }
  }
  return algorithm;
}

}  // namespace

std::string describe(const ProductShape& s) {
  return message("a product of ", s.m, " x ", s.k, s.transposed_a ? " (transposed)" : "", " by ", s.k, " x ",
                 s.n, s.transposed_b ? " (transposed)" : "", " in ",
                 type_names[static_cast<int32_t>(s.factors)]);
}

std::string describe_times(const Product& product) {
  if (product.nanoseconds == 0) return "";
  return ", tuned: " + microseconds(product.nanoseconds) + ", untuned " +
         microseconds(product.first_nanoseconds);
}

std::string line_of(const Product& product) {
  const ProductShape& s = product.shape;
  std::string line = message(type_names[static_cast<int32_t>(s.factors)], s.transposed_a ? " T" : " N",
                             s.transposed_b ? " T " : " N ", s.m, " ", s.n, " ", s.k, " ", s.lda, " ", s.ldb,
                             " ", s.ldc, " ", s.alignment_a, " ", s.alignment_b, " ", s.alignment_c,
                             s.scalars_on_device ? " device : " : " host : ");
  for (uint64_t word : product.algorithm.words) {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(word));
    line += hex;
  }
  return line + message(" ", product.nanoseconds, " ", product.first_nanoseconds);
}

ProductLine parse_line(const std::string& line) {
  Words words(line);
  ProductLine parsed;
  ProductShape& s = parsed.shape;
  s.factors = static_cast<FactorType>(
      words.one_of("float32, tf32, bfloat16 or float64", {"float32", "tf32", "bfloat16", "float64"}));
  s.transposed_a = words.one_of("N (not transposed) or T (transposed) for the first factor", {"N", "T"}) == 1;
  s.transposed_b =
      words.one_of("N (not transposed) or T (transposed) for the second factor", {"N", "T"}) == 1;
  // The BLAS uses 32-bit numbers for rows, columns and strides.
  constexpr int64_t most = INT32_MAX;
  s.m = words.number<int64_t>("the size m", 1, most);
  s.n = words.number<int64_t>("the size n", 1, most);
  s.k = words.number<int64_t>("the size k", 1, most);
  s.lda = words.number<int64_t>("the stride lda", 0, most);
  s.ldb = words.number<int64_t>("the stride ldb", 0, most);
  s.ldc = words.number<int64_t>("the stride ldc", 0, most);
  for (int32_t* a : {&s.alignment_a, &s.alignment_b, &s.alignment_c}) *a = alignment(&words);
  s.scalars_on_device = words.one_of("host or device, where α and β are", {"host", "device"}) == 1;
  words.one_of("a colon", {":"});
  parsed.algorithm = parse_algorithm(words.next("an algorithm"));
  parsed.nanoseconds = words.number<int64_t>("the tuned time in nanoseconds", 1, most_nanoseconds);
  parsed.first_nanoseconds = words.number<int64_t>("the untuned time in nanoseconds", 1, most_nanoseconds);
  words.end();
  return parsed;
}

}  // namespace cuda
}  // namespace chainrule
