// The part of the CBLAS interface that the core calls, for machines without OpenBLAS's headers (see
// tools/gpu/prepare.sh).
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { CblasRowMajor = 101, CblasColMajor = 102 } CBLAS_ORDER;
typedef enum { CblasNoTrans = 111, CblasTrans = 112 } CBLAS_TRANSPOSE;

void cblas_sgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE transposed_a, CBLAS_TRANSPOSE transposed_b, int m, int n,
                 int k, float alpha, const float* a, int lda, const float* b, int ldb, float beta, float* c,
                 int ldc);
void cblas_dgemm(CBLAS_ORDER order, CBLAS_TRANSPOSE transposed_a, CBLAS_TRANSPOSE transposed_b, int m, int n,
                 int k, double alpha, const double* a, int lda, const double* b, int ldb, double beta,
                 double* c, int ldc);
void cblas_sgemv(CBLAS_ORDER order, CBLAS_TRANSPOSE transposed, int m, int n, float alpha, const float* a,
                 int lda, const float* x, int incx, float beta, float* y, int incy);
void cblas_dgemv(CBLAS_ORDER order, CBLAS_TRANSPOSE transposed, int m, int n, double alpha, const double* a,
                 int lda, const double* x, int incx, double beta, double* y, int incy);

#ifdef __cplusplus
}
#endif
