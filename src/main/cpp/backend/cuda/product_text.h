// Products as text: for output, and as lines of a tuning file.
#pragma once

#include <string>

#include "backend/cuda/blas.h"

namespace chainrule {
namespace cuda {

// "a product of 64 x 784 by 784 x 128 (transposed) in tf32".
std::string describe(const ProductShape& shape);

// ", tuned: 10.2 µs, untuned 12.9 µs", or an empty text if the product was not timed.
std::string describe_times(const Product& product);

// Returns a line of a tuning file: the factors' type, N (not transposed) or T (transposed) for each factor, m n k,
// lda ldb ldc, the alignments of A, B and C, and where α and β are (host or device). After a colon follow the
// algorithm's 8 words in hexadecimal, and the times of the algorithm and of the heuristic's first algorithm, in
// nanoseconds:
// "tf32 N T 64 128 784 784 784 128 16 16 16 host : 0000…0000 10230 12890".
std::string line_of(const Product& product);

// A parsed line.
struct ProductLine {
  ProductShape shape;
  Algorithm algorithm;
  int64_t nanoseconds = 0, first_nanoseconds = 0;
};

// Throws Error if the text is not such a line.
ProductLine parse_line(const std::string& line);

}  // namespace cuda
}  // namespace chainrule
