// Products by plain loops, with the factors rounded as tensor cores round them.
#include "backend/cuda/products.h"

#include <cmath>
#include <cstring>

#include "backend/cuda/launch.h"

namespace chainrule {
namespace cuda {

struct Product {
  ProductShape shape;
};
struct Products::Body {};

Products::Products() = default;
Products::~Products() = default;
int64_t Products::workspace_bytes() { return 256; }

std::shared_ptr<const Product> Products::choose(const ProductShape& shape) {
  auto made = std::make_shared<Product>();
  made->shape = shape;
  return made;
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
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < s.k; ++k) {
        sum += factor(s.factors, a, s.transposed_a ? k * s.lda + i : i * s.lda + k) *
               factor(s.factors, b, s.transposed_b ? j * s.ldb + k : k * s.ldb + j);
      }
      T& place = c[i * s.ldc + j];
      place = static_cast<T>(alpha * sum + (beta == 0 ? 0.0 : beta * static_cast<double>(place)));
    }
  }
}

template <class T>
void enqueue_product(Queue* queue, const ProductShape& shape, const void* a, const void* b, void* c,
                     const void* alpha, const void* beta) {
  // The processor's scalars are read now, the device's when the queue gets there.
  const T *alpha_at = static_cast<const T*>(alpha), *beta_at = static_cast<const T*>(beta);
  const T alpha_now = shape.scalars_on_device ? T(0) : *alpha_at,
          beta_now = shape.scalars_on_device ? T(0) : *beta_at;
  enqueue(queue, [=] {
    const bool later = shape.scalars_on_device;
    multiply(shape, a, b, static_cast<T*>(c), static_cast<double>(later ? *alpha_at : alpha_now),
             static_cast<double>(later ? *beta_at : beta_now));
  });
}

}  // namespace

void Products::run(Queue* queue, const Product& product, const void* a, const void* b, void* c,
                   const void* alpha, const void* beta, char*) const {
  if (product.shape.factors == FactorType::float64) {
    enqueue_product<double>(queue, product.shape, a, b, c, alpha, beta);
  } else {
    enqueue_product<float>(queue, product.shape, a, b, c, alpha, beta);
  }
}

}  // namespace cuda
}  // namespace chainrule
