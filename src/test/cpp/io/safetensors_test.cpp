#include "io/safetensors.h"

#include <array>
#include <cstring>
#include <limits>
#include <thread>

#include "harness.h"
#include "io/folder.h"
#include "util/check.h"

namespace chainrule {
namespace {

std::string with_length(uint64_t length, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + rest;
}

std::string with_header(const std::string& header, const std::string& data) {
  return with_length(header.size(), header + data);
}

template <class T>
std::vector<T> read_all(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsFile::Tensor* tensor = file.find(name);
  if (tensor == nullptr) throw Error("no tensor " + name);
  std::vector<T> values(static_cast<size_t>(tensor->bytes) / sizeof(T));
  file.read(*tensor, values.data());
  return values;
}

const std::vector<float> six_floats = {1.5f, -0.0f, 3e38f, 1e-45f, std::numeric_limits<float>::infinity(), 7};

void write_small(const std::string& path) {
  const std::vector<double> doubles = {0.1};
  write_safetensors(
      path, {{"w", StoredType::f32, {2, 3}, six_floats.data()}, {"d", StoredType::f64, {}, doubles.data()}},
      {{"k", "v"}});
}

TEST(safetensors_round_trip) {
  const Folder folder;
  const std::string path = folder / "model.safetensors";
  const std::vector<double> doubles = {0.1, std::numeric_limits<double>::denorm_min()};
  const std::vector<int64_t> longs = {std::numeric_limits<int64_t>::min(), 5, -1};
  const std::vector<int32_t> ints = {-7};
  const std::string graph = R"({"nodes":["x","\"chainrule.checksum\":\"crc32:00000000\""]})";
  write_safetensors(path,
                    {{"größe/重み 😀", StoredType::f32, {2, 3}, six_floats.data()},
                     {"i32", StoredType::i32, {1, 1}, ints.data()},
                     {"scalar", StoredType::f32, {}, six_floats.data()},
                     {"f64", StoredType::f64, {2}, doubles.data()},
                     {"nothing", StoredType::f32, {0, 4}, nullptr},
                     {"i64", StoredType::i64, {3}, longs.data()},
                     {"", StoredType::i32, {1}, ints.data()}},
                    {{"chainrule.graph", graph}, {"empty", ""}});
  const SafetensorsFile file(path);
  CHECK(file.path() == path);
  CHECK(file.tensors().size() == 7);
  CHECK(file.tensors()[0].name == "größe/重み 😀" && file.tensors()[3].name == "f64");
  CHECK(file.tensors()[0].shape == std::vector<int64_t>({2, 3}));
  CHECK(file.find("scalar")->shape.empty() && file.find("scalar")->bytes == 4);
  CHECK(file.find("nothing")->bytes == 0 && file.find("absent") == nullptr);
  file.read(*file.find("nothing"), nullptr);
  const std::vector<float> floats = read_all<float>(file, "größe/重み 😀");
  CHECK(std::memcmp(floats.data(), six_floats.data(), 24) == 0);
  CHECK(read_all<double>(file, "f64") == doubles);
  CHECK(read_all<int64_t>(file, "i64") == longs);
  CHECK(read_all<int32_t>(file, "i32") == ints && read_all<int32_t>(file, "") == ints);
  CHECK(*file.metadata("chainrule.graph") == graph && file.metadata("empty")->empty());
  CHECK(file.metadata("absent") == nullptr && *file.metadata(format_key) == "1");
  CHECK_THROWS(file.read(*file.find("f64"), nullptr), "expected a destination for tensor");
  float value = 0;
  CHECK_THROWS(file.read({"x", StoredType::f32, {}, 1 << 20, 4}, &value), "is not one of");
  for (const SafetensorsFile::Tensor& tensor : file.tensors()) {
    CHECK(tensor.offset % stored_type_size(tensor.type) == 0);
  }
  uint64_t length = 0;
  std::memcpy(&length, contents(path).data(), 8);
  CHECK((8 + length) % 64 == 0);
}

TEST(safetensors_without_tensors) {
  const Folder folder;
  write_safetensors(folder / "empty", {}, {});
  CHECK(SafetensorsFile(folder / "empty").tensors().empty());
}

TEST(safetensors_larger_than_a_chunk) {
  const Folder folder;
  std::vector<float> values(700'001);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const TensorToWrite tensor{"w", StoredType::f32, {700'001}, values.data()};
  write_safetensors(folder / "large", {tensor}, {});
  const SafetensorsFile file(folder / "large");
  // The reader keeps reading the file that it has checked, even after another one replaces it.
  write_small(folder / "large");
  CHECK(read_all<float>(file, "w") == values);
  std::vector<std::thread> threads;
  std::array<bool, 4> same{};
  for (bool& result : same) threads.emplace_back([&] { result = read_all<float>(file, "w") == values; });
  for (std::thread& thread : threads) thread.join();
  CHECK(same[0] && same[1] && same[2] && same[3]);
}

TEST(safetensors_refuses_every_truncation) {
  const Folder folder;
  write_small(folder / "good");
  const std::string good = contents(folder / "good");
  for (size_t length = 0; length < good.size(); ++length) {
    store(folder / "cut", good.substr(0, length));
    CHECK_THROWS(SafetensorsFile(folder / "cut"), folder / "cut");
    CHECK_THROWS(SafetensorsFile(folder / "cut", false), folder / "cut");
  }
  store(folder / "long", good + '\0');
  CHECK_THROWS(SafetensorsFile(folder / "long"), "but the file has");
}

TEST(safetensors_refuses_every_changed_bit) {
  const Folder folder;
  write_small(folder / "good");
  const std::string good = contents(folder / "good");
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    store(folder / "bad", bad);
    CHECK_THROWS(SafetensorsFile(folder / "bad"), folder / "bad");
  }
}

// Without the checksum, damaged files must either be refused with an Error or be read without a crash.
TEST(safetensors_survives_random_changes) {
  const Folder folder;
  const std::string header =
      R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("v":{"dtype":"I64","shape":[],"data_offsets":[8,16]}})";
  const std::string good = with_header(header, std::string(16, 'x'));
  store(folder / "good", good);
  CHECK(SafetensorsFile(folder / "good", false).tensors().size() == 2);
  uint64_t random = 1;
  const auto next = [&](size_t limit) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(random >> 33) % limit;
  };
  const std::string alphabet = "{}[]\",:0123456789.-eF\\u";
  int read = 0;
  for (int turn = 0; turn < 3000; ++turn) {
    std::string bad = good;
    for (size_t change = next(3) + 1; change > 0; --change) {
      bad[next(bad.size())] = next(4) == 0 ? static_cast<char>(next(256)) : alphabet[next(alphabet.size())];
    }
    store(folder / "bad", bad);
    try {
      const SafetensorsFile file(folder / "bad", false);
      for (const auto& tensor : file.tensors()) {
        std::vector<char> bytes(static_cast<size_t>(tensor.bytes));
        file.read(tensor, bytes.data());
      }
      ++read;
    } catch (const Error&) {
    }
  }
  CHECK(read > 0 && read < 3000);
}

TEST(safetensors_refuses_hostile_headers) {
  const Folder folder;
  const std::string path = folder / "hostile";
  const auto refuses = [&](const std::string& bytes, const char* part) {
    store(path, bytes);
    CHECK_THROWS(SafetensorsFile(path, false), part);
    CHECK_THROWS(SafetensorsFile(path, false), path);
  };
  const auto tensor = [](const char* type, const char* shape, const char* offsets) {
    return R"({"w":{"dtype":)" + std::string(type) + R"(,"shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  const std::string data(16, '\0');

  refuses("", "expected at least 8 bytes for the header's length, but got 0");
  refuses("PK\x03\x04 not a model at all", "not a safetensors file");
  refuses(with_length(~uint64_t{0}, "{}"), "18446744073709551615 bytes");
  refuses(with_length(uint64_t{1} << 63, "{}"), "not a safetensors file");
  refuses(with_length(100'000'001, "{}"), "the format allows 100000000");
  refuses(with_length(100'000'000, "{}"), "only 2 bytes follow");
  refuses(with_length(3, "{}"), "only 2 bytes follow");
  refuses(with_length(0, "{}"), "does not begin with '{'");
  refuses(with_header("[]", ""), "does not begin with '{'");
  refuses(with_header(" {}", ""), "does not begin with '{'");
  refuses(with_header("{} x", ""), "expected the end");
  refuses(with_header("{}", "x"), "its tensors end at byte 10, but the file has 11");
  refuses(with_header("{" + std::string(100'000, '['), ""), "invalid JSON");
  refuses(with_header("{\"a\":" + std::string(100'000, '['), ""), "nested deeper");
  refuses(with_header(R"({"w":3})", ""), "\"w\" should be an object");
  refuses(with_header(R"({"w":{}})", ""), "\"w\" has no \"dtype\"");
  refuses(with_header(R"({"w":{"dtype":"F32"}})", ""), "\"w\" has no \"shape\"");
  refuses(with_header(R"({"w":{"dtype":"F32","shape":[]}})", ""), "\"w\" has no \"data_offsets\"");
  refuses(with_header(R"({"__metadata__":{"a":1}})", ""), "\"a\" should be a string");
  refuses(with_header(R"({"__metadata__":[]})", ""), "\"__metadata__\" should be an object");
  refuses(with_header(R"({"w":{},"w":{}})", ""), "\"w\" occurs twice");
  refuses(with_header(R"({"__metadata__":{},"__metadata__":{}})", ""), "occurs twice");

  refuses(with_header(tensor("3", "[4]", "[0,16]"), data), "\"dtype\" should be a string");
  refuses(with_header(tensor(R"("BF16")", "[8]", "[0,16]"), data), "the dtype \"BF16\"");
  refuses(with_header(tensor(R"("f32")", "[4]", "[0,16]"), data), "the dtype \"f32\"");
  refuses(with_header(tensor(R"("F32")", "4", "[0,16]"), data), "\"shape\" should be an array");
  refuses(with_header(tensor(R"("F32")", "[4.0]", "[0,16]"), data), "should be an integer");
  refuses(with_header(tensor(R"("F32")", "[-4]", "[0,16]"), data), "impossible shape: [-4]");
  refuses(with_header(tensor(R"("F32")", "[-2,-2]", "[0,16]"), data), "impossible shape");
  refuses(with_header(tensor(R"("F32")", "[4294967296,4294967296]", "[0,0]"), data), "impossible shape");
  refuses(with_header(tensor(R"("F32")", "[4611686018427387905]", "[0,4]"), data), "impossible shape");
  refuses(with_header(tensor(R"("F32")", "[18446744073709551615]", "[0,4]"), data), "should be an integer");
  refuses(with_header(tensor(R"("F32")", "[3]", "[0,16]"), data),
          "needs 12 bytes, but its data_offsets span 16");
  refuses(with_header(tensor(R"("F32")", "[5]", "[0,20]"), data), "should be within the 16 bytes");
  refuses(with_header(tensor(R"("F32")", "[4]", "[16,0]"), data), "should be within");
  refuses(with_header(tensor(R"("F32")", "[4]", "[-16,0]"), data), "should be within");
  refuses(with_header(tensor(R"("F32")", "[4]", "[9223372036854775791,9223372036854775807]"), data),
          "be within");
  refuses(with_header(tensor(R"("F32")", "[4]", "[0]"), data), "should have 2 data_offsets, but has 1");
  refuses(with_header(tensor(R"("F32")", "[4]", "[0,8,16]"), data), "should have 2 data_offsets");
  refuses(with_header(tensor(R"("F32")", "[3]", "[0,12]"), data), "tensors end at byte");
  refuses(with_header(tensor(R"("F32")", "[3]", "[4,16]"), data), "should begin at byte 0");

  const auto two = [](const char* first, const char* second) {
    return R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + std::string(first) +
           R"(},"b":{"dtype":"I32","shape":[2],"data_offsets":)" + second + "}}";
  };
  refuses(with_header(two("[0,8]", "[4,12]"), data), "overlap or leave gaps");
  refuses(with_header(two("[0,8]", "[0,8]"), data), "overlap or leave gaps");
  refuses(with_header(two("[0,8]", "[12,20]"), data + "xxxx"), "overlap or leave gaps");
  store(path, with_header(two("[8,16]", "[0,8]") + "   ", data));
  CHECK(SafetensorsFile(path, false).tensors()[1].name == "b");
  CHECK_THROWS(SafetensorsFile{path}, "not a Chainrule file: its metadata has no \"chainrule.format\"");
}

TEST(safetensors_versions_and_checksums) {
  const Folder folder;
  const std::string path = folder / "file";
  write_safetensors(path, {}, {{"chainrule.format", "2"}});
  CHECK_THROWS(SafetensorsFile{path}, "its format is 2, but this version reads formats up to 1");
  for (const char* version : {"", "0", "-1", "1.0", "one", "99999999999999", " 1"}) {
    write_safetensors(path, {}, {{"chainrule.format", version}});
    CHECK_THROWS(SafetensorsFile{path}, "should be a whole number from 1");
  }
  store(path, with_header(R"({"__metadata__":{"chainrule.format":"1"}})", ""));
  CHECK_THROWS(SafetensorsFile{path}, "no \"chainrule.checksum\"");
  for (const char* sum : {"", "crc32:", "crc32:0000000", "crc32:000000000", "md5:00000000"}) {
    store(path, with_header(R"({"__metadata__":{"chainrule.format":"1","chainrule.checksum":")" +
                                std::string(sum) + "\"}}",
                            ""));
    CHECK_THROWS(SafetensorsFile{path}, "eight hexadecimal digits");
    CHECK_THROWS(SafetensorsFile(path, false), "eight hexadecimal digits");
  }
  store(path, with_header(
                  R"({"__metadata__":{"chainrule.format":"1","chainrule.checksum":"crc32:DEADBEEF"}})", ""));
  CHECK_THROWS(SafetensorsFile{path}, "the file is damaged");
  // Two texts look like the checksum, so the reader cannot tell which one is meant.
  store(path, with_header(R"({"__metadata__":{"chainrule.format":"1","chainrule.checksum":"crc32:00000000",)"
                          R"("\"chainrule.checksum":"crc32:00000000"}})",
                          ""));
  CHECK_THROWS(SafetensorsFile{path}, "written once");
  CHECK_THROWS(write_safetensors(path, {}, {{"\"chainrule.checksum", "crc32:00000000"}}),
               "looks like that of the checksum");
}

TEST(safetensors_checks_tensors_and_metadata_before_writing) {
  const Folder folder;
  const std::string path = folder / "file";
  const float one = 1;
  const auto refuses = [&](const std::vector<TensorToWrite>& tensors,
                           const std::vector<std::pair<std::string, std::string>>& metadata,
                           const char* part) {
    bool argument = false;
    try {
      write_safetensors(path, tensors, metadata);
    } catch (const InvalidArgument& error) {
      argument = std::string(error.what()).find(part) != std::string::npos;
    }
    CHECK(argument);
  };
  refuses({{"w", StoredType::f32, {}, &one}, {"w", StoredType::f32, {}, &one}}, {}, "\"w\" is given twice");
  refuses({{"__metadata__", StoredType::f32, {}, &one}}, {}, "reserved");
  refuses({{"w", StoredType::f32, {-1}, &one}}, {}, "the shape [-1] has a negative size");
  refuses({{"w", StoredType::f32, {1 << 30, 1 << 30, 1 << 30}, &one}}, {}, "too large");
  refuses({{"w", StoredType::f32, {1}, nullptr}}, {}, "has no data");
  refuses({{"\xFF", StoredType::f32, {}, &one}}, {}, "UTF-8");
  refuses({}, {{"a", "\xFF"}}, "UTF-8");
  refuses({}, {{"a", "1"}, {"a", "2"}}, "\"a\" is given twice");
  refuses({}, {{"chainrule.checksum", "crc32:00000000"}}, "reserved");
  refuses({}, {{"a", std::string(100'000'001, 'x')}}, "the format allows 100000000");
  refuses(std::vector<TensorToWrite>(1, {"w", StoredType::f32, std::vector<int64_t>(1'000'000, 1), &one}), {},
          "cannot be described");
  CHECK(folder.names().empty());
}

}  // namespace
}  // namespace chainrule
