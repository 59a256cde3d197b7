// Algorithms of products chosen by timing, and the file that stores them.
#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cuda/engines.h"
#include "cuda/tuned.h"
#include "harness.h"
#include "io/crc32.h"
#include "util/random.h"

using namespace test;

namespace {

constexpr int64_t batch = 16;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string with_checksum(const std::string& product) {
  Crc32 crc;
  crc.update(product.data(), product.size());
  char hex[16];
  std::snprintf(hex, sizeof hex, " %08x", crc.value());
  return product + hex;
}

std::string without_checksum(const std::string& line) { return line.substr(0, line.rfind(' ')); }

// Tunes the products of the network and returns the text of the tuning file.
std::string tuned_text(const std::string& file) {
  const auto engine = tuned_engine(file);
  TunedNet().plan_text(*engine, batch);
  return contents(file);
}

}  // namespace

TEST(cuda_tuned_products_are_kept_in_a_file_and_printed) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  CHECK(net.plan_text(untuned, batch).find("tuned") == std::string::npos);
  CHECK(untuned.tuned_products().empty());

  const auto engine = tuned_engine(file);
  CHECK(lines_of(contents(file)).size() == 5);  // the file exists at once, with its header and no product
  CHECK(engine->tuned_products().empty());
  const std::string plan = net.plan_text(*engine, batch);
  CHECK(occurrences(plan, "[cuBLASLt, tuned: ") == net.products);
  CHECK(occurrences(plan, " µs, untuned ") == net.products);
  CHECK(occurrences(engine->tuned_products(), "\n") == net.products);
  CHECK(occurrences(engine->tuned_products(), "a product of 140 x 20 by 20 x 16") == 1);
  const std::string text = contents(file);
  CHECK(lines_of(text).size() == 5 + net.products);
  CHECK(lines_of(text).back() == message("end ", net.products));

  // a second engine has the same choices with the same times, because it reads them from the file
  const auto again = tuned_engine(file);
  CHECK(again->tuned_products() == engine->tuned_products());
  CHECK(net.plan_text(*again, batch) == plan);
  CHECK(contents(file) == text);
  CHECK(net.trained(*again, batch) == net.trained(*engine, batch));
}

TEST(cuda_tuned_training_agrees_with_untuned_training) {
  for (CudaPrecision precision : {CudaPrecision::float32, CudaPrecision::tf32, CudaPrecision::bfloat16}) {
    CUDA_ENGINE_OR_SKIP(untuned, precision);
    const Folder folder;
    const TunedNet net;
    const auto engine = tuned_engine(folder / "products.txt", precision);
    const auto expected = net.trained(untuned, batch), got = net.trained(*engine, batch);
    for (size_t p = 0; p < expected.size(); ++p) {
      for (size_t i = 0; i < expected[p].size(); ++i) CHECK_NEAR(got[p][i], expected[p][i], 1e-2);
    }
    // the emulated algorithms all give the same bits
    if (cuda_is_emulated()) CHECK(got == expected);
  }
}

TEST(cuda_engines_of_all_precisions_share_a_tuning_file) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  // all are opened before any of them adds a product
  const auto floats = tuned_engine(file), tf32 = tuned_engine(file, CudaPrecision::tf32),
             bfloat16 = tuned_engine(file, CudaPrecision::bfloat16);
  net.plan_text(*floats, batch);
  net.plan_text(*tf32, batch);
  net.plan_text(*bfloat16, batch);
  net.plan_text(*floats, 2 * batch);
  const std::string text = contents(file);
  CHECK(lines_of(text).back() == message("end ", 4 * net.products));
  CHECK(occurrences(text, "\nfloat32 ") == 2 * net.products);
  CHECK(occurrences(text, "\ntf32 ") == net.products);
  CHECK(occurrences(text, "\nbfloat16 ") == net.products);
  const std::string plan = net.plan_text(*tuned_engine(file, CudaPrecision::tf32), batch);
  CHECK(occurrences(plan, "[cuBLASLt, TF32, tuned: ") == net.products);
  CHECK(contents(file) == text);
}

TEST(cuda_tuning_files_of_other_devices_and_versions_are_refused) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const std::vector<std::string> lines = lines_of(tuned_text(file));
  const struct {
    size_t line;
    const char* text;
    const char* part;
  } headers[] = {
      {0, "chainrule-tuning 2", "line 1: expected 'chainrule-tuning 1', but got 'chainrule-tuning 2'"},
      {1, "device Other 9000",
       "line 2: its products were tuned for 'device Other 9000', but this machine has '"},
      {2, "capability 77.7", "line 3: its products were tuned for 'capability 77.7', but this machine has '"},
      {3, "cublas 12345", "line 4: its products were tuned for 'cublas 12345', but this machine has '"},
      {3, "device ", "line 4: expected 'cublas "}};
  for (const auto& header : headers) {
    std::vector<std::string> other = lines;
    other[header.line] = header.text;
    store(file, joined(other));
    CHECK_THROWS(tuned_engine(file), header.part);
    CHECK_THROWS(tuned_engine(file), file);
    CHECK(contents(file) == joined(other));  // unchanged
  }
  std::vector<std::string> other = lines;
  other[1] = "device Other 9000";
  store(file, joined(other));
  CHECK_THROWS(tuned_engine(file), "'" + lines[1] + "'");
}

TEST(cuda_damaged_tuning_files_are_refused_with_the_line) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const std::vector<std::string> lines = lines_of(tuned_text(file));
  const std::string product = without_checksum(lines[6]);
  const auto refused = [&](const std::string& line, const char* part) {
    std::vector<std::string> other = lines;
    other[6] = line;
    store(file, joined(other));
    CHECK_THROWS(tuned_engine(file), part);
  };
  const auto replaced = [&](const std::string& part, const std::string& by) {
    std::string text = product;
    text.replace(text.find(part), part.size(), by);
    return with_checksum(text);
  };
  refused(lines[6] + "0", "line 7: it is damaged: expected the checksum ");
  refused("", "line 7: it is damaged");
  // wrong lines with a right checksum, as if written by hand
  refused(with_checksum(product + " 1"), "line 7: expected the end of the line, but got ' 1'");
  refused(with_checksum(product.substr(0, product.rfind(' '))),
          "line 7: expected the untuned time in nanoseconds, but the line ends");
  refused(replaced("float32", "float16"),
          "line 7: expected float32, tf32, bfloat16 or float64, but got 'float16'");
  refused(replaced(" : ", " ; "), "line 7: expected a colon, but got ';'");
  refused(replaced(" : ", " : 0"), "line 7: expected an algorithm of 128 hexadecimal digits, but got 129 ");
  const std::string aligned = product.find(" 16 host") != std::string::npos ? " 16 host" : " 16 device";
  refused(replaced(aligned, " 15" + aligned.substr(3)),
          "line 7: expected an alignment that is a power of 2, but got 15");
  refused(replaced(aligned, " 32" + aligned.substr(3)),
          "line 7: expected an alignment from 1 to 16, but got '32'");
  refused(replaced("float32 " + product.substr(8, 4), "float32 " + product.substr(8, 4) + "0 "),
          "line 7: expected the size m from 1 to 2147483647, but got '0'");
  refused(lines[5], "line 7: a product of ");  // the one above once more
  std::vector<std::string> other = lines;
  other.erase(other.begin() + 6);
  store(file, joined(other));
  CHECK_THROWS(tuned_engine(file),
               message("line 9: expected 'end ", TunedNet::products - 1, "', but got 'end 5'"));
  store(file, joined(lines) + "more\n");
  CHECK_THROWS(tuned_engine(file), "line 11: expected '', but got 'more'");
  CHECK_THROWS(tuned_engine(folder / "no/such/folder"), "no/such/folder");
  CHECK_THROWS(tuned_engine("/"), "/");
}

// An algorithm that cuBLASLt has not proposed for a product is never passed to it. Instead the product is tuned again
// and its line is replaced.
TEST(cuda_tuning_replaces_algorithms_that_cublaslt_does_not_propose) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  const std::vector<std::string> lines = lines_of(tuned_text(file));
  const std::string product = without_checksum(lines[6]);
  const size_t words = product.find(" : ") + 3;
  std::vector<std::string> damaged = {std::string(128, 'f'), std::string(128, '0')};
  for (size_t digit = 0; digit < 128; digit += 9) {
    std::string one = product.substr(words, 128);
    one[digit] = one[digit] == '7' ? '8' : '7';
    damaged.push_back(one);
  }
  for (const std::string& by : damaged) {
    std::vector<std::string> other = lines;
    other[6] = with_checksum(std::string(product).replace(words, 128, by));
    store(file, joined(other));
    const auto engine = tuned_engine(file);
    CHECK(occurrences(engine->tuned_products(), "\n") == net.products - 1);
    CHECK(contents(file) == joined(other));
    CHECK(occurrences(net.plan_text(*engine, batch), ", tuned: ") == net.products);
    CHECK(occurrences(tuned_engine(file)->tuned_products(), "\n") == net.products);
    CHECK(contents(file).find(by) == std::string::npos);
  }
}

// A changed file must give either an Error that names the file, or a working engine.
TEST(cuda_randomly_changed_tuning_files_are_refused_or_open_an_engine) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const std::string text = tuned_text(file);
  int64_t opened = 0, refused = 0;
  const auto attempt = [&](const std::string& changed) {
    store(file, changed);
    try {
      CHECK(tuned_engine(file) != nullptr);
      ++opened;
    } catch (const Error& error) {
      CHECK(std::string(error.what()).rfind(file + ": ", 0) == 0);
      ++refused;
    }
  };
  for (size_t size = 0; size < text.size(); size += 7) attempt(text.substr(0, size));
  CHECK(opened == 0);
  attempt(text.substr(0, text.size() - 1));  // only the last line break is missing
  CHECK(opened == 1);
  uint64_t draws = 0;
  const auto draw = [&](size_t bound) { return static_cast<size_t>(random_below(5, 1, draws++, bound)); };
  const auto change = [&](std::string* what) {
    const size_t at = draw(what->size());
    const char byte = "0123456789abcdefTN :\n\0\xff "[draw(24)];
    switch (draw(3)) {
      case 0: (*what)[at] = byte; break;
      case 1: what->insert(at, 1, byte); break;
      default: what->erase(at, 1 + draw(5));
    }
  };
  for (int i = 0; i < 400; ++i) {
    std::string changed = text;
    for (size_t n = draw(3) + 1; n > 0; --n) change(&changed);
    attempt(changed);
    // the same with right checksums, so that the line itself is parsed
    std::vector<std::string> lines = lines_of(text);
    std::string product = without_checksum(lines[4 + draw(5)]);
    change(&product);
    lines[4 + draw(5)] = with_checksum(product);
    attempt(joined(lines));
  }
  CHECK(refused > 600);
}

// Each thread has a batch size that all threads have, and one of its own. Runs under the thread sanitizer.
TEST(cuda_threads_that_tune_at_the_same_time_lose_no_products) {
  CUDA_ENGINE_OR_SKIP(untuned, CudaPrecision::float32);
  (void)untuned;
  const Folder folder;
  const std::string file = folder / "products.txt";
  const auto floats = tuned_engine(file), tf32 = tuned_engine(file, CudaPrecision::tf32);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const TunedNet net;
      Backend& engine = i % 2 == 0 ? *floats : *tf32;
      for (int64_t size : {batch, batch + 1 + i}) {
        if (occurrences(net.plan_text(engine, size), ", tuned: ") != net.products) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  const std::string text = contents(file);
  CHECK(lines_of(text).back() == message("end ", 6 * TunedNet::products));
  CHECK(tuned_engine(file)->tuned_products().size() > floats->tuned_products().size());
}
