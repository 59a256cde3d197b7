// Matrix products by cuBLASLt: products.cpp. (The tests have a plain loop instead: src/test/cpp/cuda.)
#pragma once

#include <cstdint>
#include <memory>

#include "backend/cuda/device.h"

namespace chainrule {
namespace cuda {

enum class FactorType : int32_t { float32, tf32, bfloat16, float64 };

// C = α op(A) op(B) + β C, all row-major; op(A) is m x k, op(B) k x n. C is float or double. Alignments are those that
// the addresses will have at least, in bytes.
struct ProductShape {
  FactorType factors = FactorType::float32;
  bool transposed_a = false, transposed_b = false;
  int64_t m = 0, n = 0, k = 0;
  int64_t lda = 0, ldb = 0, ldc = 0;
  int32_t alignment_a = 0, alignment_b = 0, alignment_c = 0;
  bool scalars_on_device = false;  // where α and β lie; else they are the processor's
};

// A product made ready: its algorithm has been chosen.
struct Product;

class Products {
 public:
  Products();
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // The heuristic's first algorithm whose sums have one order, chosen once for each shape: nothing is timed, so that the
  // same card computes the same bits. Throws Error when there is none.
  std::shared_ptr<const Product> choose(const ProductShape& shape);

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
