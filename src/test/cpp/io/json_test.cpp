#include "io/json.h"

#include <clocale>
#include <cstring>
#include <limits>

#include "harness.h"
#include "util/check.h"

namespace chainrule {
namespace {

std::string round_trip(std::string_view text) { return dump(parse(text)); }

TEST(json_reads_every_kind) {
  const Json json = parse(R"( {"n":null,"t":true,"f":false,"i":-12,"r":0.5,"s":"hé","a":[1,2.5],"o":{}} )");
  CHECK(json.at("n").kind() == Json::Kind::null);
  CHECK(json.at("t").boolean() && !json.at("f").boolean());
  CHECK(json.at("i").integer() == -12 && json.at("i").number() == -12.0);
  CHECK(json.at("r").number() == 0.5);
  CHECK(json.at("s").string() == "hé");
  CHECK(json.at("a").array().size() == 2 && json.at("a").array()[1].number() == 2.5);
  CHECK(json.at("o").object().empty());
  CHECK(json.find("absent") == nullptr);
  CHECK(json.object()[5].key() == "s");
}

TEST(json_objects_keep_the_order_of_their_keys) {
  Json json = Json::make_object();
  json.set("z", 1)
      .set("a", Json::make_array(std::vector<int64_t>{3, 4}))
      .set("z", true)
      .set("s", "x\"\n\x01");
  json.set("r", 3.0).set("n", nullptr);
  CHECK(dump(json) == R"({"z":true,"a":[3,4],"s":"x\"\n\u0001","r":3.0,"n":null})");
  CHECK(round_trip(dump(json)) == dump(json));
  Json copy = json.at("a");
  CHECK(copy.key() == "a");
  CHECK(Json::make_array().push(copy).array()[0].key().empty());
}

TEST(json_integers_are_exact) {
  CHECK(parse("9223372036854775807").integer() == std::numeric_limits<int64_t>::max());
  CHECK(parse("-9223372036854775808").integer() == std::numeric_limits<int64_t>::min());
  CHECK(parse("9223372036854775808").kind() == Json::Kind::real);
  CHECK(round_trip("9007199254740993") == "9007199254740993");
  CHECK_THROWS(parse("1.0").integer(), "should be an integer, but is a real number");
  CHECK_THROWS(Json(std::numeric_limits<uint64_t>::max()), "signed 64-bit");
}

TEST(json_doubles_keep_their_bits) {
  const double values[] = {0.1,
                           -0.0,
                           1e300,
                           5e-324,
                           2.2250738585072011e-308,
                           1.0 / 3.0,
                           123456789.0,
                           1e22,
                           std::numeric_limits<double>::max(),
                           std::numeric_limits<double>::epsilon()};
  for (const double value : values) {
    const double back = parse(dump(value)).number();
    CHECK(std::memcmp(&value, &back, sizeof value) == 0);
    CHECK(parse(dump(value)).kind() == Json::Kind::real);
  }
  CHECK_THROWS(dump(std::numeric_limits<double>::quiet_NaN()), "finite");
  CHECK_THROWS(dump(std::numeric_limits<double>::infinity()), "finite");
  CHECK_THROWS(parse("1e999"), "outside the range");
}

TEST(json_ignores_the_locale) {
  if (std::setlocale(LC_NUMERIC, "de_DE.UTF-8") != nullptr) {
    CHECK(round_trip("0.5") == "0.5");
    std::setlocale(LC_NUMERIC, "C");
  }
}

TEST(json_escapes) {
  CHECK(parse(R"("\"\\\/\b\f\n\r\t")").string() == "\"\\/\b\f\n\r\t");
  CHECK(parse(R"("\u0041\u00e9\u20AC\ud83d\ude00")").string() == "Aé€😀");
  CHECK(parse(R"("\u0000")").string() == std::string(1, '\0'));
  CHECK(round_trip(R"("\u0000é😀")") == "\"\\u0000é😀\"");
  for (const char* text : {R"("\ud83d")", R"("\ud83dx")", R"("\ud83d\n")", R"("\ud83d\u0041")", R"("\ude00")",
                           R"("\u12g4")", R"("\u12)", R"("\x")", R"("\)", R"("\ud83d\)"}) {
    CHECK_THROWS(parse(text), "invalid JSON at byte");
  }
}

TEST(json_refuses_what_is_not_json) {
  for (const char* text : {"",          " ",
                           "{",         "[",
                           "[1",        "[1,",
                           "[1,]",      "[,1]",
                           "[1 2]",     "{\"a\"}",
                           "{\"a\":}",  "{\"a\":1,}",
                           "{a:1}",     "{\"a\":1 \"b\":2}",
                           "{1:2}",     "tru",
                           "True",      "nul",
                           "NaN",       "Infinity",
                           "-Infinity", "-",
                           "+1",        "01",
                           "-01",       "1.",
                           ".5",        "1e",
                           "1e+",       "0x10",
                           "1_000",     "'a'",
                           "\"a",       "\"a\nb\"",
                           "\"a\tb\"",  "1 2",
                           "{} x",      "[]]",
                           "// c\n1",   "\xEF\xBB\xBF{}",
                           "{\"a\":1}}"}) {
    CHECK_THROWS(parse(text), "invalid JSON at byte");
  }
  CHECK_THROWS(parse(std::string_view("1\0", 2)), "expected the end");
  CHECK_THROWS(parse(std::string_view("\0", 1)), "expected a value");
  CHECK_THROWS(parse(R"({"a":1,"b":2,"a":3})"), "the key \"a\" occurs twice");
  CHECK_THROWS(parse(R"({"a":1,"\u0061":3})"), "occurs twice");
}

TEST(json_refuses_bad_utf8) {
  for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xC3(", "\xE0\x80\x80", "\xED\xA0\x80", "\xE2\x82",
                           "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF"}) {
    CHECK_THROWS(parse('"' + std::string(text) + '"'), "UTF-8");
    CHECK_THROWS(dump(Json(text)), "UTF-8");
  }
  CHECK(parse("\"\xF4\x8F\xBF\xBF\xED\x9F\xBF\"").string().size() == 7);
}

TEST(json_limits_depth_and_size) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(round_trip(nested(64)) == nested(64));
  CHECK_THROWS(parse(nested(65)), "nested deeper than 64");
  CHECK_THROWS(parse(std::string(10'000'000, '[')), "nested deeper than 64");
  Json deep;
  for (int i = 0; i < 65; ++i) deep = Json::make_array().push(deep);
  CHECK_THROWS(dump(deep), "nested deeper than 64");
  std::string many = "[0";
  for (int i = 0; i < 1'000'000; ++i) many += ",0";
  CHECK_THROWS(parse(many + "]"), "more than 1000000 values");
}

TEST(json_errors_name_the_key) {
  const Json json = parse(R"({"nodes":[{"kind":3}],"name":"x"})");
  CHECK_THROWS(json.at("edges"), "the JSON object has no \"edges\"");
  CHECK_THROWS(json.at("nodes").at("x"), "\"nodes\" should be an object, but is an array");
  CHECK_THROWS(json.at("name").array(), "\"name\" should be an array, but is a string");
  CHECK_THROWS(json.at("name").number(), "\"name\" should be a number, but is a string");
  CHECK_THROWS(json.at("nodes").array()[0].at("kind").string(),
               "\"kind\" should be a string, but is an integer");
  CHECK_THROWS(json.at("nodes").array()[0].string(), "a JSON value should be a string, but is an object");
  CHECK(quote("a\"b\x01\xFFz") == "\"a\\\"b\\u0001\xEF\xBF\xBDz\"");
  CHECK(quote(std::string(1000, 'x')).size() < 100);
}

}  // namespace
}  // namespace chainrule
