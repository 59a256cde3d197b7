// Tests the tile kernel of each instruction set: its results agree with sums in double, and its bits do not depend on
// how C is cut. Also compares whole plans that use it with plans that use the BLAS.
#include "backend/cpu/products.h"

#include <cmath>
#include <limits>

#include "backend/cpu/cpu.h"
#include "backend/cpu/kernels/tile_product.h"
#include "cases.h"
#include "graph_builder.h"
#include "harness.h"
#include "plan_run.h"
#include "team_threads.h"

namespace chainrule {
namespace baseline {
TileProduct tile_product();
}
#if defined(__x86_64__)
namespace avx2 {
TileProduct tile_product();
}
namespace avx512 {
TileProduct tile_product();
}
#endif
}  // namespace chainrule

using namespace test;

namespace {

std::vector<TileProduct> kernels() {
  std::vector<TileProduct> all;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(avx2::tile_product());
  if (std::string(instruction_set_name()) == "avx512") all.push_back(avx512::tile_product());
#endif
  return all;
}

// Restores the choice of the product kernel and the number of threads.
struct Restore {
  const Products products = chainrule::products();
  const TeamThreads threads;
  ~Restore() { set_products(products); }
};

// A random product. The memory of A and B ends where the operand ends, so that the address sanitizer detects reads
// beyond it. The rows of C are separated by elements that must not change.
struct Problem {
  bool ta, tb;
  int64_t m, n, k, a_stride, b_stride, c_stride;
  float alpha, beta;
  std::vector<float> a, b, c;

  Problem(Random& random, int64_t rows, int64_t columns, int64_t depth, bool transposed_a, bool transposed_b)
      : ta(transposed_a), tb(transposed_b), m(rows), n(columns), k(depth) {
    // A vector is contiguous in the engine, so it has no padding.
    a_stride = (ta ? m : k) + (m > 1 ? random.below(3) : 0);
    b_stride = (tb ? k : n) + (n > 1 ? random.below(3) : 0);
    c_stride = n + random.below(3);
    alpha = random.below(2) ? 1 : -0.5f;
    beta = static_cast<float>(random.below(3)) / 2;
    const auto fill = [&](std::vector<float>& v, int64_t rows_of, int64_t stride, int64_t width) {
      v.resize(at((rows_of - 1) * stride + width));
      for (float& x : v) x = static_cast<float>(random.uniform(-1, 1));
    };
    fill(a, ta ? k : m, a_stride, ta ? m : k);
    fill(b, tb ? n : k, b_stride, tb ? k : n);
    fill(c, m, c_stride, n);
    if (beta == 0) {  // C must not be read
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) c[at(i * c_stride + j)] = std::numeric_limits<float>::quiet_NaN();
      }
    }
  }

  float left(int64_t i, int64_t p) const { return a[at(ta ? p * a_stride + i : i * a_stride + p)]; }
  float right(int64_t p, int64_t j) const { return b[at(tb ? j * b_stride + p : p * b_stride + j)]; }

  ProductTile::Kind kind() const {
    if (n == 1) return ProductTile::column;
    return m == 1 ? ProductTile::row : ProductTile::matrix;
  }

  // Computes rows [r0, r1) and columns [c0, c1) of C into `out`.
  void run(TileProduct kernel, std::vector<float>& out, float* scratch, int64_t r0, int64_t r1, int64_t c0,
           int64_t c1, PartDone done = nullptr, void* argument = nullptr) const {
    kernel({ta, tb, kind(), r1 - r0, c1 - c0, k, alpha, a.data() + (ta ? r0 : r0 * a_stride), a_stride,
            b.data() + (tb ? c0 * b_stride : c0), b_stride, beta, out.data() + r0 * c_stride + c0, c_stride},
           scratch, done, argument);
  }
};

void check(TileProduct kernel, const Problem& product, Random& random) {
  std::vector<float> scratch(at(tile_product_scratch / 4)), whole = product.c;
  std::vector<int> final_once(at(product.m * product.n), 0);
  struct Seen {
    std::vector<int>& count;
    int64_t n;
  } seen{final_once, product.n};
  product.run(
      kernel, whole, scratch.data(), 0, product.m, 0, product.n,
      [](void* to, const Part& part) {
        Seen& all = *static_cast<Seen*>(to);
        for (int64_t i = part.row_begin; i < part.row_end; ++i) {
          for (int64_t j = part.column_begin; j < part.column_end; ++j) ++all.count[at(i * all.n + j)];
        }
      },
      &seen);
  for (int count : final_once) CHECK(count == 1);
  for (int64_t i = 0; i < product.m; ++i) {
    for (int64_t j = 0; j < product.n; ++j) {
      double sum = 0, size = 0;
      for (int64_t p = 0; p < product.k; ++p) {
        const double term =
            static_cast<double>(product.left(i, p)) * static_cast<double>(product.right(p, j));
        sum += term;
        size += std::abs(term);
      }
      const double before =
          product.beta == 0 ? 0 : static_cast<double>(product.beta * product.c[at(i * product.c_stride + j)]);
      // k roundings of partial sums. Each is at most half an ulp of the sum of the absolute terms.
      const double bound = (static_cast<double>(product.k) * size + std::abs(before) + 1) * 6e-8;
      CHECK_NEAR(whole[at(i * product.c_stride + j)], static_cast<double>(product.alpha) * sum + before,
                 bound);
    }
    // The elements between the rows do not change.
    for (int64_t j = product.n; j < product.c_stride && i + 1 < product.m; ++j) {
      CHECK(whole[at(i * product.c_stride + j)] == product.c[at(i * product.c_stride + j)]);
    }
  }
  // A cut at any row and column gives the same bits.
  std::vector<float> cut = product.c;
  const int64_t r = random.below(product.m + 1), c = random.below(product.n + 1);
  for (auto [r0, r1] : {std::pair<int64_t, int64_t>{0, r}, {r, product.m}}) {
    for (auto [c0, c1] : {std::pair<int64_t, int64_t>{0, c}, {c, product.n}}) {
      if (r0 < r1 && c0 < c1) product.run(kernel, cut, scratch.data(), r0, r1, c0, c1);
    }
  }
  CHECK(same_bits(cut, whole));
}

GraphCase classifier(std::vector<int64_t> sizes) {
  Builder b;
  int32_t h = b.input(sizes[0]);
  for (size_t i = 1; i < sizes.size(); ++i) {
    h = b.layer(h, sizes[i]);
    if (i + 1 < sizes.size()) h = b.op(i % 2 ? Op::relu : Op::sigmoid, {h});
  }
  const int32_t loss = b.op(Op::softmax_cross_entropy, {h, b.label(sizes.back())});
  return {"classifier", std::move(b.graph), loss};
}

// Returns the parameters after `steps` steps.
std::vector<std::vector<float>> train(const GraphCase& c, const PlanRequest& request, int steps = 3,
                                      const PlanTesting& testing = {}) {
  PlanRun<float> run(c.graph, request, random_values(c.graph, request.batch, 3), testing);
  run.update = scalars(request.optimizer, 1, 0.05, 0.999, 1e-3);
  for (int i = 0; i < steps; ++i) {
    run.forward();
    run.backward();
  }
  std::vector<std::vector<float>> parameters;
  for (int32_t id : c.graph.parameters()) parameters.push_back(run.parameter(id));
  return parameters;
}

const std::vector<OptimizerSettings> rules = {sgd(), sgd(0.9), adam()};

}  // namespace

TEST(products_by_tiles_agree_with_sums_in_double) {
  Random random(1);
  CHECK(std::string(instruction_set_name()) == "baseline" || !kernels().empty());
  for (TileProduct kernel : kernels()) {
    for (int i = 0; i < 240; ++i) {
      int64_t m = 1 + random.below(60), n = 1 + random.below(90), k = 1 + random.below(i % 8 == 0 ? 700 : 90);
      if (i % 10 == 1) n += 520;  // needs more than one block of columns
      if (i % 10 == 3) m += 140;  // needs more than one block of panels
      if (i % 12 == 5) m = 1;
      if (i % 12 == 7) n = 1;
      check(kernel, Problem(random, m, n, k, i % 2 == 0, i / 2 % 2 == 0), random);
    }
  }
}

TEST(products_by_tiles_and_by_the_blas_train_alike) {
  const Restore restore;
  for (const GraphCase& c : {classifier({50, 70, 33, 5}), classifier({300, 280, 200, 10})}) {
    for (const OptimizerSettings& rule : rules) {
      for (int64_t batch : {1, 9, 150}) {
        const PlanRequest request = training(c.loss, batch, rule);
        set_products(Products::blas);
        const auto expected = train(c, request, 1);
        for (Products which : {Products::own, Products::automatic}) {
          set_products(which);
          const auto got = train(c, request, 1);
          for (size_t p = 0; p < got.size(); ++p) {
            for (size_t i = 0; i < got[p].size(); ++i) CHECK_NEAR(got[p][i], expected[p][i], 2e-4);
          }
        }
      }
    }
  }
}

// The chunks of a product depend on the number of threads, and following steps run on parts of a chunk. Neither may
// change a bit.
TEST(products_by_tiles_give_the_same_bits_for_any_number_of_threads) {
  const Restore restore;
  set_products(Products::own);
  for (const GraphCase& c : {classifier({700, 301, 258, 10}), classifier({64, 1000, 3})}) {
    for (const OptimizerSettings& rule : rules) {
      for (int64_t batch : {1, 130, 700}) {
        const PlanRequest request = training(c.loss, batch, rule);
        set_team_threads(1);
        const auto expected = train(c, request);
        for (int32_t threads : {2, 3, 5}) {
          set_team_threads(threads);
          const auto got = train(c, request);
          for (size_t p = 0; p < got.size(); ++p) CHECK(same_bits(got[p], expected[p]));
        }
        const auto unfused = train(c, request, 3, steps_apart());
        for (size_t p = 0; p < unfused.size(); ++p) CHECK(same_bits(unfused[p], expected[p]));
      }
    }
  }
}

// A long sum with a small result is computed in parts. Their number depends only on the shape.
TEST(products_in_parts_agree_with_sums_in_double) {
  const Restore restore;
  const GraphCase c = classifier({24, 32, 5});
  const int64_t batch = 9001;
  for (const OptimizerSettings& rule : rules) {
    const PlanRequest request = training(c.loss, batch, rule);
    CHECK(print_plan(make_plan(c.graph, request, cpu_backend())).find("in 16 parts") != std::string::npos);
    PlanRequest in_double = request;
    in_double.dtype = DType::float64;
    PlanRun<double> expected(c.graph, in_double, random_values(c.graph, batch, 3));
    expected.update = scalars(rule, 1, 0.05, 0.999, 1e-3);
    expected.forward();
    expected.backward();
    for (Products which : {Products::blas, Products::own}) {
      set_products(which);
      set_team_threads(1);
      const auto alone = train(c, request, 1);
      set_team_threads(3);
      const auto together = train(c, request, 1);
      size_t p = 0;
      for (int32_t id : c.graph.parameters()) {
        const std::vector<double> values = expected.parameter(id);
        for (size_t i = 0; i < values.size(); ++i) CHECK_NEAR(alone[p][i], values[i], 1e-4);
        CHECK(same_bits(alone[p], together[p]));
        ++p;
      }
    }
  }
}

TEST(products_in_a_printed_plan_name_the_kernel) {
  const Restore restore;
  const GraphCase c = classifier({300, 280, 10});
  const PlanRequest request = training(c.loss, 64, rules[0]);
  set_products(Products::blas);
  CHECK(print_plan(make_plan(c.graph, request, cpu_backend())).find("tile kernel") == std::string::npos);
  set_products(Products::own);
  const std::string own = print_plan(make_plan(c.graph, request, cpu_backend()));
  const bool has_kernel = std::string(instruction_set_name()) != "baseline";
  CHECK((own.find("[tile kernel]") != std::string::npos) == has_kernel);
  PlanRequest in_double = request;
  in_double.dtype = DType::float64;
  CHECK(print_plan(make_plan(c.graph, in_double, cpu_backend())).find("tile kernel") == std::string::npos);
  CHECK_THROWS(set_products(static_cast<Products>(3)),
               "matrix products: expected 0 (automatic), 1 (BLAS) or 2 (own kernel), but got 3");
}
