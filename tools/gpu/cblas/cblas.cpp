// Products of row-major matrices, computed by their definition. They are slow, but they only serve as the reference for
// the results of a GPU and are not measured.
#include "cblas.h"

#include <cstddef>

namespace {

template <class T>
struct Matrix {
  const T* values;
  std::ptrdiff_t row, column;  // strides

  Matrix(const T* at, int leading, CBLAS_TRANSPOSE transposed)
      : values(at),
        row(transposed == CblasTrans ? 1 : leading),
        column(transposed == CblasTrans ? leading : 1) {}
  T operator()(int i, int j) const { return values[i * row + j * column]; }
};

// Computes C = α A B + β C. If β is 0, C is not read.
template <class T>
void gemm(int m, int n, int k, T alpha, Matrix<T> a, Matrix<T> b, T beta, T* c, int ldc) {
  for (int i = 0; i < m; ++i) {
    T* row = c + static_cast<std::ptrdiff_t>(i) * ldc;
    for (int j = 0; j < n; ++j) row[j] = beta == 0 ? 0 : beta * row[j];
    for (int l = 0; l < k; ++l) {
      const T factor = alpha * a(i, l);
      for (int j = 0; j < n; ++j) row[j] += factor * b(l, j);
    }
  }
}

// Computes y = α op(A) x + β y, where A is m x n before op transposes it.
template <class T>
void gemv(CBLAS_TRANSPOSE transposed, int m, int n, T alpha, const T* a, int lda, const T* x, int incx,
          T beta, T* y, int incy) {
  const Matrix<T> op(a, lda, transposed);
  const int rows = transposed == CblasTrans ? n : m, columns = transposed == CblasTrans ? m : n;
  for (int i = 0; i < rows; ++i) {
    T sum = 0;
    for (int j = 0; j < columns; ++j) sum += op(i, j) * x[static_cast<std::ptrdiff_t>(j) * incx];
    T& to = y[static_cast<std::ptrdiff_t>(i) * incy];
    to = alpha * sum + (beta == 0 ? 0 : beta * to);
  }
}

}  // namespace

void cblas_sgemm(CBLAS_ORDER, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  gemm<float>(m, n, k, alpha, {a, lda, ta}, {b, ldb, tb}, beta, c, ldc);
}
void cblas_dgemm(CBLAS_ORDER, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
                 const double* a, int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  gemm<double>(m, n, k, alpha, {a, lda, ta}, {b, ldb, tb}, beta, c, ldc);
}
void cblas_sgemv(CBLAS_ORDER, CBLAS_TRANSPOSE t, int m, int n, float alpha, const float* a, int lda,
                 const float* x, int incx, float beta, float* y, int incy) {
  gemv(t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
void cblas_dgemv(CBLAS_ORDER, CBLAS_TRANSPOSE t, int m, int n, double alpha, const double* a, int lda,
                 const double* x, int incx, double beta, double* y, int incy) {
  gemv(t, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
