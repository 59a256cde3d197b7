// Tuning with known times of all algorithms: which algorithm is chosen, how often products are timed, and what happens
// without memory or if the file cannot be written.
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

TEST(cuda_emulated_tuning_chooses_the_fastest_algorithm) {
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
    // each launch takes another microsecond
    const double own = emulated_seconds(product.shape.n, chosen);
    CHECK_NEAR(product.nanoseconds, 1e9 * own + 1000, 1);
    CHECK_NEAR(product.first_nanoseconds, 1e9 * emulated_seconds(product.shape.n, 0) + 1000, 1);
    for (int32_t other = 0; other < emulated_algorithms(product.shape.n); ++other) {
      CHECK(other == chosen || emulated_seconds(product.shape.n, other) > own);
    }
  }
  CHECK(found == 3 * net.products);
  CHECK(first > 0 && first < found);  // the heuristic's first choice is right for some shapes
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
    CHECK(emulated_bytes() == bytes);  // the memory used for timing was released
  }
  net.plan_text(*cuda_engine(CudaPrecision::float32), 64);
  CHECK(take_emulated_product_runs() == 0);  // this engine does not tune
}

TEST(cuda_emulated_tuning_without_memory_throws_and_can_be_repeated) {
  const Folder folder;
  const TunedNet net;
  const auto engine = tuned_engine(folder / "products.txt");
  const int64_t bytes = emulated_bytes();
  CHECK_THROWS(engine->allocate(int64_t{1} << 40),
               "out of device memory");  // now the pool has no unused memory
  limit_emulated_bytes(bytes + 3000);
  CHECK_THROWS(net.plan_text(*engine, 16), "tuning a product of 140 x 20 by 20 x 16");
  CHECK_THROWS(net.plan_text(*engine, 16), "out of device memory");
  limit_emulated_bytes(int64_t{1} << 34);
  CHECK(emulated_bytes() == bytes);
  CHECK(occurrences(net.plan_text(*engine, 16), ", tuned: ") == net.products);
}

// The addresses of values in the arena do not influence the algorithm of a product. Equal layers have products with the
// same key, whether steps are merged or not.
TEST(cuda_emulated_keys_of_products_do_not_depend_on_addresses) {
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
      // per batch size: 3 products of the inner layers (Z, dX, dW), 2 of the first, which has no dX, and 3 of the last
      CHECK(keys[0].size() == 2 * (3 + 2 + 3));
      CHECK(keys[0] == keys[1]);
    }
  }
}

// If the file cannot be written, the measured times are not lost. The next plan writes them.
TEST(cuda_emulated_tuning_is_stored_once_the_file_can_be_written) {
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
