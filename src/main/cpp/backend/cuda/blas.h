// Matrix products. blas.cpp implements them with cuBLASLt. The tests implement them with plain loops
// (src/test/cpp/cuda/emulated/blas.cpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <vector>

#include "backend/cuda/device.h"

namespace chainrule {
namespace cuda {

enum class FactorType : int32_t { float32, tf32, bfloat16, float64 };

// The largest alignment that a product may state for an address, in bytes. No kernel of the BLAS reads more at once. A
// larger alignment would depend on the value's position in the arena, and that position must not influence the choice
// of the algorithm: the same product would then have different bits in different plans.
constexpr int32_t most_alignment = 16;

// C = α op(A) op(B) + β C, all row-major; op(A) is m x k, op(B) is k x n. C is float or double. The alignments are
// minimums in bytes: powers of 2 up to most_alignment.
struct ProductShape {
  FactorType factors = FactorType::float32;
  bool transposed_a = false, transposed_b = false;
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldb = 0, ldc = 0;
  int32_t alignment_a = 0, alignment_b = 0, alignment_c = 0;
  bool scalars_on_device = false;  // α and β are in device memory; otherwise in host memory.
};

// How a product is computed: data of the BLAS whose contents are opaque here. They are valid for the same version of
// the BLAS on the same kind of device, also in another process.
struct Algorithm {
  uint64_t words[8] = {};
};
inline bool operator==(const Algorithm& a, const Algorithm& b) {
  return std::equal(std::begin(a.words), std::end(a.words), std::begin(b.words));
}

// A product with a chosen algorithm. The BLAS derives from it and adds its own data.
struct Product {
  virtual ~Product() = default;

  ProductShape shape;
  Algorithm algorithm;
  // The time when the algorithm was chosen by timing, and the time of the heuristic's first algorithm; 0: not timed.
  int64_t nanoseconds = 0, first_nanoseconds = 0;
};

class Blas {
 public:
  Blas();
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // Returns from 1 to `most` algorithms, in the heuristic's order of expected speed. All of them sum in a fixed order.
  // Throws Error if there is none.
  std::vector<Algorithm> algorithms(const ProductShape& shape, int32_t most) const;

  // Creates a product. The algorithm must be one that algorithms() has returned for the shape in this process. With any
  // other algorithm the behaviour of the BLAS is undefined.
  std::shared_ptr<Product> make(const ProductShape& shape, const Algorithm& algorithm) const;

  // α and β have the type of C.
  void run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
           const void* beta, char* workspace) const;

  // The size of the workspace in device memory. Runs that may overlap need different workspaces.
  static int64_t workspace_bytes();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace cuda
}  // namespace chainrule
