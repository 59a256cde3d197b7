#include "io/crc32.h"

#include <string>

#include "harness.h"

namespace chainrule {
namespace {

TEST(crc32_has_the_standard_values) {
  Crc32 sum;
  sum.update("123456789", 9);
  CHECK(sum.value() == 0xCBF43926u);
  CHECK(Crc32().value() == 0);
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 37);
  Crc32 whole;
  whole.update(text.data(), text.size());
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Crc32 pieces;
    pieces.update(text.data(), cut);
    pieces.update(text.data() + cut, text.size() - cut);
    CHECK(pieces.value() == whole.value());
  }
}

}  // namespace
}  // namespace chainrule
