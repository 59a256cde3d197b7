// Matrix products by cuBLASLt: blas.cpp. (The tests have plain loops instead: src/test/cpp/cuda/emulated.)
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

// What an address may be known to be a multiple of, in bytes. No kernel of the BLAS reads more at once; and where the arena
// put a value decides the rest, which must not decide an algorithm, or one product would have other bits in another plan.
constexpr int32_t most_alignment = 16;

// C = α op(A) op(B) + β C, all row-major; op(A) is m x k, op(B) k x n. C is float or double. Alignments are those that
// the addresses will have at least, in bytes: powers of 2 up to most_alignment.
struct ProductShape {
  FactorType factors = FactorType::float32;
  bool transposed_a = false, transposed_b = false;
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldb = 0, ldc = 0;
  int32_t alignment_a = 0, alignment_b = 0, alignment_c = 0;
  bool scalars_on_device = false;  // where α and β lie; else they are the processor's
};

// How a product is computed, in the BLAS's own words. They mean the same to the same version of it on the same kind of
// device, now and later.
struct Algorithm {
  uint64_t words[8] = {};
};
inline bool operator==(const Algorithm& a, const Algorithm& b) {
  return std::equal(std::begin(a.words), std::end(a.words), std::begin(b.words));
}

// A product made ready: its algorithm has been chosen. The BLAS adds what it needs.
struct Product {
  virtual ~Product() = default;

  ProductShape shape;
  Algorithm algorithm;
  // What it took when its algorithm was chosen by timing, and what the heuristic's first took beside it; 0: not timed.
  int64_t nanoseconds = 0, first_nanoseconds = 0;
};

class Blas {
 public:
  Blas();
  ~Blas();
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;

  // The heuristic's algorithms whose sums have one order, the one it expects to be fastest first; from 1 to `most`.
  // Throws Error when there is none.
  std::vector<Algorithm> algorithms(const ProductShape& shape, int32_t most) const;

  // The algorithm must be one that algorithms() has given for the shape, in this process: nobody says what the BLAS does
  // with other words.
  std::shared_ptr<Product> make(const ProductShape& shape, const Algorithm& algorithm) const;

  // α and β are of C's type.
  void run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
           const void* beta, char* workspace) const;

  // Device memory that a run may use; a queue's own.
  static int64_t workspace_bytes();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace cuda
}  // namespace chainrule
