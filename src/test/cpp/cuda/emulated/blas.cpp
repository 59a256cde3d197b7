// Products as plain loops, with factors rounded like those of tensor cores. There are a few algorithms. All give the
// same results and take different times on the emulated clock. With other alignments of the addresses, sums begin at
// another term, because a BLAS may choose the order by the alignment. An algorithm that was not proposed aborts the
// process, because the behaviour of cuBLASLt is undefined then.
#include "backend/cuda/blas.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "backend/cuda/launch.h"
#include "cuda/emulated/emulation.h"

namespace chainrule {
namespace cuda {

struct Blas::Body {};

Blas::Blas() = default;
Blas::~Blas() = default;
int64_t Blas::workspace_bytes() { return 256; }

namespace {

std::atomic<int64_t> product_runs{0};

// An algorithm consists of its number and a constant that identifies this BLAS.
constexpr uint64_t algorithm_mark = 0x656d756c61746564u;

Algorithm algorithm(uint64_t number) { return {{number, algorithm_mark}}; }

}  // namespace

std::vector<Algorithm> Blas::algorithms(const ProductShape& shape, int32_t most) const {
  std::vector<Algorithm> all;
  for (int32_t i = 0; i < std::min(most, test::emulated_algorithms(shape.n)); ++i) {
    all.push_back(algorithm(static_cast<uint64_t>(i)));
  }
  return all;
}

std::shared_ptr<Product> Blas::make(const ProductShape& shape, const Algorithm& algorithm) const {
  const std::vector<Algorithm> all = algorithms(shape, INT32_MAX);
  if (std::find(all.begin(), all.end(), algorithm) == all.end()) std::abort();
  auto product = std::make_shared<Product>();
  product->shape = shape;
  product->algorithm = algorithm;
  return product;
}

namespace {

float rounded_to_tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (std::isfinite(x)) bits = (bits + 0x1000) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}

float from_bfloat16(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

double factor(FactorType type, const void* values, int64_t index) {
  switch (type) {
    case FactorType::tf32:
      return static_cast<double>(rounded_to_tf32(static_cast<const float*>(values)[index]));
    case FactorType::bfloat16:
      return static_cast<double>(from_bfloat16(static_cast<const uint16_t*>(values)[index]));
    case FactorType::float64: return static_cast<const double*>(values)[index];
    default: return static_cast<double>(static_cast<const float*>(values)[index]);
  }
}

template <class T>
void multiply(const ProductShape& s, const void* a, const void* b, T* c, double alpha, double beta) {
  const int64_t first = (s.alignment_a + 3 * s.alignment_b + 5 * s.alignment_c) % s.k;
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      T sum = 0;
      for (int64_t n = 0; n < s.k; ++n) {
        const int64_t k = first + n < s.k ? first + n : first + n - s.k;
        sum += static_cast<T>(factor(s.factors, a, s.transposed_a ? k * s.lda + i : i * s.lda + k) *
                              factor(s.factors, b, s.transposed_b ? j * s.ldb + k : k * s.ldb + j));
      }
      T& element = c[i * s.ldc + j];
      element = static_cast<T>(alpha * static_cast<double>(sum) +
                               (beta == 0 ? 0.0 : beta * static_cast<double>(element)));
    }
  }
}

template <class T>
void enqueue_product(Queue* queue, const ProductShape& shape, const void* a, const void* b, void* c,
                     const void* alpha, const void* beta, double seconds) {
  // Scalars in host memory are read now, those on the device when the work runs.
  const T *alpha_at = static_cast<const T*>(alpha), *beta_at = static_cast<const T*>(beta);
  const T alpha_now = shape.scalars_on_device ? T(0) : *alpha_at,
          beta_now = shape.scalars_on_device ? T(0) : *beta_at;
  enqueue(queue, [=] {
    const bool later = shape.scalars_on_device;
    multiply(shape, a, b, static_cast<T*>(c), static_cast<double>(later ? *alpha_at : alpha_now),
             static_cast<double>(later ? *beta_at : beta_now));
    test::spend_emulated_seconds(seconds);
    ++product_runs;
  });
}

}  // namespace

void Blas::run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
               const void* beta, char*) const {
  const double seconds =
      test::emulated_seconds(product.shape.n, static_cast<int32_t>(product.algorithm.words[0]));
  if (product.shape.factors == FactorType::float64) {
    enqueue_product<double>(queue, product.shape, a, b, c, alpha, beta, seconds);
  } else {
    enqueue_product<float>(queue, product.shape, a, b, c, alpha, beta, seconds);
  }
}

}  // namespace cuda
}  // namespace chainrule

namespace test {

// Shapes with an even number of columns have one algorithm more, so that some algorithms are not valid for all shapes.
int32_t emulated_algorithms(int64_t columns) { return columns % 2 == 0 ? 4 : 3; }

// The fastest algorithm is number n mod 3 for n columns, and no two take the same time.
double emulated_seconds(int64_t columns, int32_t algorithm) {
  return 1e-3 * (1 + (algorithm + 3 - columns % 3) % 3) + 1e-4 * algorithm;
}

int64_t take_emulated_product_runs() { return chainrule::cuda::product_runs.exchange(0); }

}  // namespace test
