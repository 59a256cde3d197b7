// Matrix products by the BLAS that the process has loaded. Each call runs on one thread.
#pragma once

#include <cstdint>
#include <string>

#include "program/program.h"

namespace chainrule {

// Computes C = α op(A) op(B) + β C for one tile of C. The matrices are row-major; op(A) is m x k, op(B) is k x n.
template <class T>
void gemm(bool transposed_a, bool transposed_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

// Makes the BLAS single-threaded, because our own team divides the products among threads. Other code in the process
// may use the same library and change this setting, so the engine calls this function before each run.
void assert_single_threaded_blas();

// Returns text that describes the BLAS in use: its version, kernel, number of threads and file.
std::string describe_blas();

// The largest number of rows or columns and the largest row stride that a product may have.
constexpr int64_t max_blas_size = INT32_MAX;

}  // namespace chainrule
