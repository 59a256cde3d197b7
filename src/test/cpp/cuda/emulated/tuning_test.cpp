// Tuning where it is known how long each algorithm takes: which is chosen, how often anything is timed, and what happens
// when memory or the file's place is missing.
#include <cstdio>
#include <set>
#include <sstream>
#include <string>

#include "backend/cuda/product_text.h"
#include "cuda/emulated/emulation.h"
#include "cuda/tuned.h"
#include "cuda/workloads.h"
#include "harness.h"

using namespace test;

TEST(cuda_emulated_tuning_takes_the_fastest_algorithm) {
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  const auto engine = tuned_engine(file);
  for (int64_t batch : {15, 16, 17}) net.plan_text(*engine, batch);
  std::istringstream in(contents(file));
  int32_t found = 0, first = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("float32 ", 0) != 0) continue;
    ++found;
    const cuda::ProductLine product = cuda::parse_line(line.substr(0, line.rfind(' ')));
    const int32_t chosen = static_cast<int32_t>(product.algorithm.words[0]);
    CHECK(chosen == product.shape.n % 3);
    first += chosen == 0;
    // a launch takes a microsecond besides
    const double own = emulated_seconds(product.shape.n, chosen);
    CHECK_NEAR(product.nanoseconds, 1e9 * own + 1000, 1);
    CHECK_NEAR(product.first_nanoseconds, 1e9 * emulated_seconds(product.shape.n, 0) + 1000, 1);
    for (int32_t other = 0; other < emulated_algorithms(product.shape.n); ++other) {
      CHECK(other == chosen || emulated_seconds(product.shape.n, other) > own);
    }
  }
  CHECK(found == 3 * net.products);
  CHECK(first > 0 && first < found);  // the heuristic is right for some
}

TEST(cuda_emulated_tuning_times_each_shape_once) {
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  const int64_t bytes = emulated_bytes();
  {
    const auto engine = tuned_engine(file);
    take_emulated_product_runs();
    net.plan_text(*engine, 16);
    CHECK(take_emulated_product_runs() > 0);
    net.plan_text(*engine, 16);
    CHECK(take_emulated_product_runs() == 0);
    const auto again = tuned_engine(file);
    net.plan_text(*again, 16);
    CHECK(take_emulated_product_runs() == 0);
    net.plan_text(*again, 32);  // shapes that the file does not have
    CHECK(take_emulated_product_runs() > 0);
    CHECK(emulated_bytes() == bytes);  // the timing's memory is back
  }
  net.plan_text(*cuda_engine(CudaPrecision::float32), 64);
  CHECK(take_emulated_product_runs() == 0);  // nobody asked for it
}

TEST(cuda_emulated_tuning_without_memory_is_a_sentence_and_can_be_tried_again) {
  const Folder folder;
  const TunedNet net;
  const auto engine = tuned_engine(folder / "products.txt");
  const int64_t bytes = emulated_bytes();
  CHECK_THROWS(engine->allocate(int64_t{1} << 40), "out of device memory");  // the pool keeps nothing now
  limit_emulated_bytes(bytes + 3000);
  CHECK_THROWS(net.plan_text(*engine, 16), "tuning a product of 140 x 20 by 20 x 16");
  CHECK_THROWS(net.plan_text(*engine, 16), "out of device memory");
  limit_emulated_bytes(int64_t{1} << 34);
  CHECK(emulated_bytes() == bytes);
  CHECK(occurrences(net.plan_text(*engine, 16), ", tuned: ") == net.products);
}

// Where the arena puts a value decides no product's algorithm: layers that are alike have products of one key, whether steps
// are merged or not.
TEST(cuda_emulated_products_have_one_key_wherever_values_lie) {
  for (CudaPrecision precision : {CudaPrecision::float32, CudaPrecision::bfloat16}) {
    for (DType dtype : {DType::float32, DType::float64}) {
      std::set<std::string> keys[2];
      for (bool merged : {false, true}) {
        const Folder folder;
        const std::string file = folder / "products.txt";
        const auto engine = tuned_engine(file, precision);
        for (int64_t batch : {1, 5}) {
          const Workload w =
              workload("alike", {2, 131, 131, 131, 131, 2}, Op::sigmoid, Op::squared_error, batch);
          PlanRequest request = training(w.loss, w.batch);
          request.dtype = dtype;
          make_plan(w.graph, request, *engine, merged ? PlanTesting{} : steps_apart());
        }
        std::istringstream in(contents(file));
        for (std::string line; std::getline(in, line);) {
          const size_t colon = line.find(" : ");
          if (colon != std::string::npos) keys[merged].insert(line.substr(0, colon));
        }
      }
      // a batch: Z, dX and dW of the layers between, and those of the first and last without dX of the first
      CHECK(keys[0].size() == 2 * (3 + 2 + 3));
      CHECK(keys[0] == keys[1]);
    }
  }
}

// What was timed is not lost when it cannot be written: the next program writes it.
TEST(cuda_emulated_tuning_is_kept_once_the_file_can_be_written) {
  const Folder folder;
  const std::string file = folder / "products.txt";
  const TunedNet net;
  const auto engine = tuned_engine(file);
  store(file, "something else\n");
  CHECK_THROWS(net.plan_text(*engine, 16),
               file + ": line 1: expected 'chainrule-tuning 1', but got 'something else'");
  CHECK(contents(file) == "something else\n");
  std::remove(file.c_str());
  take_emulated_product_runs();
  net.plan_text(*engine, 16);
  CHECK(take_emulated_product_runs() == 0);
  CHECK(tuned_engine(file)->tuned_products() == engine->tuned_products());
}
