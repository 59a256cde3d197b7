#include "backend/cuda/products.h"

#include <cublasLt.h>

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "util/check.h"

namespace chainrule {
namespace cuda {

void* native_stream(Queue* queue);  // device.cpp

namespace {

void check(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(message(what, ": ", cublasLtGetStatusString(status), " (", cublasLtGetStatusName(status), ")"));
}

std::string describe(const ProductShape& s) {
  static const char* const types[] = {"float", "TF32", "bfloat16", "double"};
  return message("a product of ", s.m, " x ", s.k, s.transposed_a ? " (transposed)" : "", " by ", s.k, " x ",
                 s.n, s.transposed_b ? " (transposed)" : "", " in ", types[static_cast<int32_t>(s.factors)]);
}

struct Types {
  cudaDataType_t factors, result;
  cublasComputeType_t compute;
};

// TF32 is asked for by its own compute type: the plain one never rounds factors.
Types types_of(FactorType factors) {
  switch (factors) {
    case FactorType::tf32: return {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case FactorType::bfloat16: return {CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case FactorType::float64: return {CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    default: return {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
  }
}

// Descriptors free themselves.
template <class Handle, cublasStatus_t (*free)(Handle)>
class Owned {
 public:
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() {
    if (handle_ != nullptr) free(handle_);
  }
  Handle* place() { return &handle_; }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};
using Description = Owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using MatrixLayout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

template <class Value>
void set(const Description& description, cublasLtMatmulDescAttributes_t attribute, Value value) {
  check(cublasLtMatmulDescSetAttribute(description.get(), attribute, &value, sizeof value),
        "describing a product");
}

template <class Value>
void set(const Preference& preference, cublasLtMatmulPreferenceAttributes_t attribute, Value value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof value),
        "choosing a product's algorithm");
}

// A matrix as it lies in memory: row-major rows x columns, which for cuBLAS is column-major columns x rows.
void lay_out(MatrixLayout* layout, cudaDataType_t type, int64_t rows, int64_t columns, int64_t stride) {
  // with one row the stride is never used, but has to be possible
  const int64_t leading = stride < columns ? columns : stride;
  check(cublasLtMatrixLayoutCreate(layout->place(), type, static_cast<uint64_t>(columns),
                                   static_cast<uint64_t>(rows), leading),
        "describing a product's matrix");
}

using Key = std::tuple<int32_t, bool, bool, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int32_t,
                       int32_t, int32_t, bool>;

Key key_of(const ProductShape& s) {
  return {static_cast<int32_t>(s.factors),
          s.transposed_a,
          s.transposed_b,
          s.m,
          s.n,
          s.k,
          s.lda,
          s.ldb,
          s.ldc,
          s.alignment_a,
          s.alignment_b,
          s.alignment_c,
          s.scalars_on_device};
}

}  // namespace

struct Product {
  ProductShape shape;
  Description description;
  MatrixLayout a, b, c;
  cublasLtMatmulAlgo_t algorithm{};
};

struct Products::Body {
  cublasLtHandle_t handle = nullptr;
  std::mutex mutex;
  std::map<Key, std::shared_ptr<const Product>> chosen;
};

Products::Products() : body_(std::make_unique<Body>()) {
  check(cublasLtCreate(&body_->handle), "opening cuBLASLt");
}

Products::~Products() { cublasLtDestroy(body_->handle); }

// As much as cuBLAS itself takes for the newest cards.
int64_t Products::workspace_bytes() { return int64_t{32} << 20; }

std::shared_ptr<const Product> Products::choose(const ProductShape& shape) {
  const std::lock_guard<std::mutex> lock(body_->mutex);
  std::shared_ptr<const Product>& known = body_->chosen[key_of(shape)];
  if (known != nullptr) return known;
  auto made = std::make_shared<Product>();
  made->shape = shape;
  const Types types = types_of(shape.factors);
  check(cublasLtMatmulDescCreate(made->description.place(), types.compute, types.result),
        "describing a product");
  // Cᵀ = op(B)ᵀ op(A)ᵀ: cuBLAS sees every matrix transposed, so B comes first and both flags stay what they are.
  set(made->description, CUBLASLT_MATMUL_DESC_TRANSA, shape.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(made->description, CUBLASLT_MATMUL_DESC_TRANSB, shape.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(made->description, CUBLASLT_MATMUL_DESC_POINTER_MODE,
      shape.scalars_on_device ? CUBLASLT_POINTER_MODE_DEVICE : CUBLASLT_POINTER_MODE_HOST);
  lay_out(&made->a, types.factors, shape.transposed_a ? shape.k : shape.m,
          shape.transposed_a ? shape.m : shape.k, shape.lda);
  lay_out(&made->b, types.factors, shape.transposed_b ? shape.n : shape.k,
          shape.transposed_b ? shape.k : shape.n, shape.ldb);
  lay_out(&made->c, types.result, shape.m, shape.n, shape.ldc);

  Preference preference;
  check(cublasLtMatmulPreferenceCreate(preference.place()), "choosing a product's algorithm");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(workspace_bytes()));
  // Parts of k may be summed only in a pass of its own, in one order: the other schemes add in the result, in turns or
  // in its type.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(shape.alignment_b));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(shape.alignment_a));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<uint32_t>(shape.alignment_c));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(shape.alignment_c));
  cublasLtMatmulHeuristicResult_t found{};
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(body_->handle, made->description.get(), made->b.get(), made->a.get(),
                                       made->c.get(), made->c.get(), preference.get(), 1, &found, &count),
        "choosing an algorithm for " + describe(shape));
  if (count == 0) throw Error("cuBLASLt has no algorithm for " + describe(shape));
  made->algorithm = found.algo;
  known = std::move(made);
  return known;
}

void Products::run(Queue* queue, const Product& product, const void* a, const void* b, void* c,
                   const void* alpha, const void* beta, char* workspace) const {
  const cublasStatus_t status =
      cublasLtMatmul(body_->handle, product.description.get(), alpha, b, product.b.get(), a, product.a.get(),
                     beta, c, product.c.get(), c, product.c.get(), &product.algorithm, workspace,
                     static_cast<size_t>(workspace_bytes()), static_cast<cudaStream_t>(native_stream(queue)));
  if (status != CUBLAS_STATUS_SUCCESS) check(status, describe(product.shape));
}

}  // namespace cuda
}  // namespace chainrule
