// Products in words: for people, and as the lines that a tuned engine's file keeps.
#pragma once

#include <string>

#include "backend/cuda/blas.h"

namespace chainrule {
namespace cuda {

// "a product of 64 x 784 by 784 x 128 (transposed) in tf32".
std::string describe(const ProductShape& shape);

// ", tuned: 10.2 µs, untuned 12.9 µs", or nothing when no time was taken.
std::string describe_times(const Product& product);

// Type, N or T for each factor, m n k, lda ldb ldc, the alignments of A, B and C, where α and β lie; after a colon the
// algorithm's 8 words in hexadecimal, and the nanoseconds that it and the heuristic's first took:
// "tf32 N T 64 128 784 784 784 128 16 16 16 host : 0000…0000 10230 12890".
std::string line_of(const Product& product);

// What such a line says.
struct ProductLine {
  ProductShape shape;
  Algorithm algorithm;
  int64_t nanoseconds = 0, first_nanoseconds = 0;
};

// Throws Error for any other text.
ProductLine parse_line(const std::string& line);

}  // namespace cuda
}  // namespace chainrule
