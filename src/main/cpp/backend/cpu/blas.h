// Matrix products by the BLAS that the process has loaded, one thread a call.
#pragma once

#include <cstdint>
#include <string>

#include "program/program.h"

namespace chainrule {

// C = α op(A) op(B) + β C on one tile of C, row-major; op(A) is m x k, op(B) k x n.
template <class T>
void gemm(bool transposed_a, bool transposed_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

// Makes the BLAS single-threaded if it is not: our own team cuts the products. The library may be shared with other
// users in the process, who may have changed it, so this is asserted again before each run.
void assert_single_threaded_blas();

// The library that really runs, its kernel, its threads and its file.
std::string describe_blas();

// The most rows, columns or stride a product may have.
constexpr int64_t max_blas_size = INT32_MAX;

}  // namespace chainrule
