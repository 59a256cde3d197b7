#include "backend/cpu/blas.h"

#include <cblas.h>
#include <dlfcn.h>

#include <type_traits>

namespace chainrule {

namespace {

template <class Function>
Function* symbol(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

// Functions of single vendors. They are looked up at run time, because the loaded BLAS has only those of its own
// vendor.
struct Vendor {
  void (*openblas_set_num_threads)(int) = symbol<void(int)>("openblas_set_num_threads");
  int (*openblas_get_num_threads)() = symbol<int()>("openblas_get_num_threads");
  char* (*openblas_get_config)() = symbol<char*()>("openblas_get_config");
  char* (*openblas_get_corename)() = symbol<char*()>("openblas_get_corename");
  int (*mkl_set_num_threads_local)(int) = symbol<int(int)>("MKL_Set_Num_Threads_Local");
  void (*mkl_get_version_string)(char*, int) = symbol<void(char*, int)>("MKL_Get_Version_String");
};

const Vendor& vendor() {
  static const Vendor instance;
  return instance;
}

template <class T>
void cblas_gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, T alpha, const T* a, int lda,
                const T* b, int ldb, T beta, T* c, int ldc) {
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  } else {
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
}

template <class T>
void cblas_gemv(CBLAS_TRANSPOSE t, int m, int n, T alpha, const T* a, int lda, const T* x, int incx, T beta,
                T* y, int incy) {
  if constexpr (std::is_same_v<T, float>) {
    cblas_sgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
  } else {
    cblas_dgemv(CblasRowMajor, t, m, n, alpha, a, lda, x, incx, beta, y, incy);
  }
}

}  // namespace

template <class T>
void gemm(bool transposed_a, bool transposed_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  // MKL_Set_Num_Threads_Local sets the number for the calling thread only. This sets it in the team's threads, which
  // never call assert_single_threaded_blas.
  static const auto set_threads = vendor().mkl_set_num_threads_local;
  if (set_threads != nullptr) {
    thread_local const int before = set_threads(1);
    (void)before;
  }
  const CBLAS_TRANSPOSE ta = transposed_a ? CblasTrans : CblasNoTrans,
                        tb = transposed_b ? CblasTrans : CblasNoTrans;
  const auto narrow = [](int64_t size) { return static_cast<int>(size); };
  if (n ==
      1) {  // One sample: a matrix-vector product. A gemm would pack the matrix although it is read only once.
    cblas_gemv<T>(ta, narrow(transposed_a ? k : m), narrow(transposed_a ? m : k), alpha, a, narrow(lda), b,
                  transposed_b ? 1 : narrow(ldb), beta, c, narrow(ldc));
    return;
  }
  if (m == 1 && k > 1) {  // a single row: op(B)ᵀ times this row
    cblas_gemv<T>(transposed_b ? CblasNoTrans : CblasTrans, narrow(transposed_b ? n : k),
                  narrow(transposed_b ? k : n), alpha, b, narrow(ldb), a, transposed_a ? narrow(lda) : 1,
                  beta, c, 1);
    return;
  }
  cblas_gemm<T>(ta, tb, narrow(m), narrow(n), narrow(k), alpha, a, narrow(lda), b, narrow(ldb), beta, c,
                narrow(ldc));
}

template void gemm<float>(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t, const float*,
                          int64_t, float, float*, int64_t);
template void gemm<double>(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t,
                           const double*, int64_t, double, double*, int64_t);

void assert_single_threaded_blas() {
  const Vendor& v = vendor();
  if (v.openblas_set_num_threads != nullptr &&
      (v.openblas_get_num_threads == nullptr || v.openblas_get_num_threads() != 1)) {
    v.openblas_set_num_threads(1);
  }
  if (v.mkl_set_num_threads_local != nullptr) v.mkl_set_num_threads_local(1);
}

std::string describe_blas() {
  assert_single_threaded_blas();
  const Vendor& v = vendor();
  std::string text;
  if (v.mkl_get_version_string != nullptr) {
    char version[200] = {};
    v.mkl_get_version_string(version, sizeof version - 1);
    text = version;
  } else if (v.openblas_get_config != nullptr) {
    text = v.openblas_get_config();
    if (v.openblas_get_corename != nullptr) text += std::string(", kernel ") + v.openblas_get_corename();
  } else {
    text = "a BLAS that does not report its name";
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (v.openblas_get_num_threads != nullptr) {
    text += ", BLAS threads: " + std::to_string(v.openblas_get_num_threads());
  }
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&cblas_sgemm), &info) != 0 && info.dli_fname != nullptr) {
    text += std::string(", file ") + info.dli_fname;
  }
  return text;
}

}  // namespace chainrule
