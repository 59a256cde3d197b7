#include "backend/cuda/blas.h"

#include <cublasLt.h>

#include <cstring>
#include <string>

#include "backend/cuda/product_text.h"
#include "util/check.h"

namespace chainrule {
namespace cuda {

void* native_stream(Queue* queue);  // device.cpp

namespace {

void check(cublasStatus_t status, const std::string& what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(message(what, ": ", cublasLtGetStatusString(status), " (", cublasLtGetStatusName(status), ")"));
}

struct Types {
  cudaDataType_t factors, result;
  cublasComputeType_t compute;
};

// TF32 has its own compute type. CUBLAS_COMPUTE_32F never rounds factors.
Types types_of(FactorType factors) {
  switch (factors) {
    case FactorType::tf32: return {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case FactorType::bfloat16: return {CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case FactorType::float64: return {CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    default: return {CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
  }
}

// Owns a descriptor and frees it.
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

// Describes a matrix as it is stored: row-major rows x columns, which for cuBLAS is column-major columns x rows.
void describe_layout(MatrixLayout* layout, cudaDataType_t type, int64_t rows, int64_t columns,
                     int64_t stride) {
  // With one row the stride is never used, but cuBLAS requires a valid one.
  const int64_t leading = stride < columns ? columns : stride;
  check(cublasLtMatrixLayoutCreate(layout->place(), type, static_cast<uint64_t>(columns),
                                   static_cast<uint64_t>(rows), leading),
        "describing a product's matrix");
}

static_assert(sizeof(cublasLtMatmulAlgo_t) == sizeof(Algorithm), "an algorithm is its bytes");

struct LtProduct final : Product {
  Description description;
  MatrixLayout a, b, c;
  cublasLtMatmulAlgo_t lt_algorithm{};
};

const LtProduct& lt(const Product& product) { return static_cast<const LtProduct&>(product); }

std::shared_ptr<LtProduct> described(const ProductShape& shape) {
  auto made = std::make_shared<LtProduct>();
  made->shape = shape;
  const Types types = types_of(shape.factors);
  check(cublasLtMatmulDescCreate(made->description.place(), types.compute, types.result),
        "describing a product");
  // cuBLAS sees every matrix transposed, so it computes Cᵀ = op(B)ᵀ op(A)ᵀ: B is the first factor, and the transpose
  // flags of A and B do not change.
  set(made->description, CUBLASLT_MATMUL_DESC_TRANSA, shape.transposed_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(made->description, CUBLASLT_MATMUL_DESC_TRANSB, shape.transposed_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(made->description, CUBLASLT_MATMUL_DESC_POINTER_MODE,
      shape.scalars_on_device ? CUBLASLT_POINTER_MODE_DEVICE : CUBLASLT_POINTER_MODE_HOST);
  describe_layout(&made->a, types.factors, shape.transposed_a ? shape.k : shape.m,
                  shape.transposed_a ? shape.m : shape.k, shape.lda);
  describe_layout(&made->b, types.factors, shape.transposed_b ? shape.n : shape.k,
                  shape.transposed_b ? shape.k : shape.n, shape.ldb);
  describe_layout(&made->c, types.result, shape.m, shape.n, shape.ldc);
  return made;
}

// If an algorithm splits the sum over k, a separate pass must add the partial sums in a fixed order. The excluded
// schemes add into the result in place, or in the result's type.
constexpr uint32_t reduction_schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;

}  // namespace

struct Blas::Body {
  cublasLtHandle_t handle = nullptr;
};

Blas::Blas() : body_(std::make_unique<Body>()) {
  cuda::check(cublasLtCreate(&body_->handle), "opening cuBLASLt");
}

Blas::~Blas() { cublasLtDestroy(body_->handle); }

// The size that cuBLAS itself uses for the newest cards.
int64_t Blas::workspace_bytes() { return int64_t{32} << 20; }

std::vector<Algorithm> Blas::algorithms(const ProductShape& shape, int32_t most) const {
  const std::shared_ptr<LtProduct> product = described(shape);
  Preference preference;
  cuda::check(cublasLtMatmulPreferenceCreate(preference.place()), "choosing a product's algorithm");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(workspace_bytes()));
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reduction_schemes);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, static_cast<uint32_t>(shape.alignment_b));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, static_cast<uint32_t>(shape.alignment_a));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, static_cast<uint32_t>(shape.alignment_c));
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, static_cast<uint32_t>(shape.alignment_c));
  std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<size_t>(most));
  int count = 0;
  cuda::check(cublasLtMatmulAlgoGetHeuristic(body_->handle, product->description.get(), product->b.get(),
                                             product->a.get(), product->c.get(), product->c.get(),
                                             preference.get(), most, found.data(), &count),
              "choosing an algorithm for " + describe(shape));
  std::vector<Algorithm> algorithms;
  for (int i = 0; i < count; ++i) {
    const cublasLtMatmulHeuristicResult_t& result = found[static_cast<size_t>(i)];
    if (result.state != CUBLAS_STATUS_SUCCESS) continue;
    algorithms.emplace_back();
    std::memcpy(&algorithms.back(), &result.algo, sizeof result.algo);
  }
  if (algorithms.empty()) throw Error("cuBLASLt has no algorithm for " + describe(shape));
  return algorithms;
}

std::shared_ptr<Product> Blas::make(const ProductShape& shape, const Algorithm& algorithm) const {
  const std::shared_ptr<LtProduct> made = described(shape);
  made->algorithm = algorithm;
  std::memcpy(&made->lt_algorithm, &algorithm, sizeof algorithm);
  return made;
}

void Blas::run(Queue* queue, const Product& product, const void* a, const void* b, void* c, const void* alpha,
               const void* beta, char* workspace) const {
  const LtProduct& p = lt(product);
  const cublasStatus_t status =
      cublasLtMatmul(body_->handle, p.description.get(), alpha, b, p.b.get(), a, p.a.get(), beta, c,
                     p.c.get(), c, p.c.get(), &p.lt_algorithm, workspace,
                     static_cast<size_t>(workspace_bytes()), static_cast<cudaStream_t>(native_stream(queue)));
  if (status != CUBLAS_STATUS_SUCCESS) cuda::check(status, describe(p.shape));
}

}  // namespace cuda
}  // namespace chainrule
