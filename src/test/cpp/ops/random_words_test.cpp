// The random words of elements: Philox itself, and that a word depends on the seed, node, step and element.
#include "ops/random_words.h"

#include "harness.h"

namespace chainrule {
namespace {

void check_philox(const PhiloxWords& counter, const PhiloxKey& key, const PhiloxWords& expected) {
  const PhiloxWords words = philox(counter, key);
  CHECK(words.w0 == expected.w0);
  CHECK(words.w1 == expected.w1);
  CHECK(words.w2 == expected.w2);
  CHECK(words.w3 == expected.w3);
}

// The known answers of Random123, the library of the paper (kat_vectors, philox4x32 10).
TEST(philox_gives_the_known_answers) {
  check_philox({0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t all = 0xffffffff;
  check_philox({all, all, all, all}, {all, all}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
               {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(random_words_of_four_samples_are_one_philox_block) {
  const RandomWords random = RandomWords::of(42, 7, 3);
  for (int64_t sample : {int64_t{0}, int64_t{4}, int64_t{1000}}) {
    const PhiloxWords four = random.four(5, sample / 4);
    CHECK(random.at(5, sample) == four.w0);
    CHECK(random.at(5, sample + 1) == four.w1);
    CHECK(random.at(5, sample + 2) == four.w2);
    CHECK(random.at(5, sample + 3) == four.w3);
  }
}

TEST(seed_step_node_feature_and_sample_each_change_the_random_word) {
  const uint32_t word = RandomWords::of(42, 7, 3).at(5, 11);
  CHECK(word == RandomWords::of(42, 7, 3).at(5, 11));
  CHECK(word != RandomWords::of(43, 7, 3).at(5, 11));
  CHECK(word != RandomWords::of(42 + (uint64_t{1} << 32), 7, 3).at(5, 11));
  CHECK(word != RandomWords::of(42, 8, 3).at(5, 11));
  CHECK(word != RandomWords::of(42, 7, 4).at(5, 11));
  CHECK(word != RandomWords::of(42, 7, 3).at(6, 11));
  CHECK(word != RandomWords::of(42, 7, 3).at(5, 12));
  CHECK(word != RandomWords::of(42, 7, 3).at(5, 15));
}

}  // namespace
}  // namespace chainrule
