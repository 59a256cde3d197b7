// The sections about products of cuBLASLt.
#include <cublasLt.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "graphs.h"
#include "report.h"
#include "sections.h"

namespace probe {

namespace {

struct Kind {
  const char* name;
  cudaDataType_t factors;
  cublasComputeType_t compute;
};
constexpr Kind kinds[] = {{"float32", CUDA_R_32F, CUBLAS_COMPUTE_32F},
                          {"tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32},
                          {"bfloat16", CUDA_R_16BF, CUBLAS_COMPUTE_32F}};

// Returns an integer from -2 to 2. With such factors all sums are exact in every precision and in any order.
float factor(size_t index) {
  return static_cast<float>(static_cast<int>((index * 2654435761u >> 13) % 5) - 2);
}

void* factors_on_device(size_t count, cudaDataType_t type) {
  if (type == CUDA_R_32F) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = factor(i);
    return on_device(values);
  }
  std::vector<uint16_t> values(count);
  for (size_t i = 0; i < count; ++i) {
    const float value = factor(i);
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    values[i] = static_cast<uint16_t>(bits >> 16);
  }
  return on_device(values);
}

// D (m x n) = A (m x k) B (k x n), all row-major in memory. Without row_order, the matrices are described to cuBLAS as
// their transposes, as in the engine. With row_order, they are described as row-major, and an epilogue can add a bias
// to the rows of D.
class Product {
 public:
  Product(cublasLtHandle_t handle, const Kind& kind, int64_t m, int64_t n, int64_t k, bool row_order,
          cublasLtEpilogue_t epilogue)
      : handle_(handle), m_(m), n_(n), k_(k), row_order_(row_order), epilogue_(epilogue) {
    a_ = factors_on_device(static_cast<size_t>(m * k), kind.factors);
    b_ = factors_on_device(static_cast<size_t>(k * n), kind.factors);
    d_ = on_device(std::vector<float>(static_cast<size_t>(m * n)));
    bias_ = factors_on_device(static_cast<size_t>(m), CUDA_R_32F);
    check(cudaMalloc(&workspace_, workspace_bytes), "allocating a workspace");
    check(cublasLtMatmulDescCreate(&description_, kind.compute, CUDA_R_32F), "describing a product");
    if (epilogue != CUBLASLT_EPILOGUE_DEFAULT) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias_);
    }
    create_layout(&a_layout_, kind.factors, m, k);
    create_layout(&b_layout_, kind.factors, k, n);
    create_layout(&d_layout_, CUDA_R_32F, m, n);
    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "choosing an algorithm");
    const size_t bytes = workspace_bytes;
    check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                               sizeof bytes),
          "choosing an algorithm");
    cublasLtMatmulHeuristicResult_t results[8];
    int count = 0;
    check(cublasLtMatmulAlgoGetHeuristic(handle, description_, first_layout(), second_layout(), d_layout_,
                                         d_layout_, preference, 8, results, &count),
          "the heuristic");
    cublasLtMatmulPreferenceDestroy(preference);
    for (int i = count - 1; i >= 0; --i) {
      if (results[i].state != CUBLAS_STATUS_SUCCESS) continue;
      algorithm_ = results[i].algo;
      ++offered_;
    }
    if (offered_ == 0) throw std::runtime_error("the heuristic offers no algorithm");
  }

  int offered() const { return offered_; }

  void run(cudaStream_t stream) const {
    const float alpha = 1, beta = 0;
    check(cublasLtMatmul(handle_, description_, &alpha, row_order_ ? a_ : b_, first_layout(),
                         row_order_ ? b_ : a_, second_layout(), &beta, d_, d_layout_, d_, d_layout_,
                         &algorithm_, workspace_, workspace_bytes, stream),
          "cublasLtMatmul");
  }

  // Throws std::runtime_error if D differs from the result of the CPU. Clears D.
  void verify() const {
    check(cudaDeviceSynchronize(), "waiting for a product");
    std::vector<float> got(static_cast<size_t>(m_ * n_)), expected(got.size());
    check(cudaMemcpy(got.data(), d_, got.size() * sizeof(float), cudaMemcpyDeviceToHost),
          "reading a product");
    check(cudaMemset(d_, 0, got.size() * sizeof(float)), "clearing a product");
    for (int64_t i = 0; i < m_; ++i) {
      float* row = expected.data() + i * n_;
      if (epilogue_ != CUBLASLT_EPILOGUE_DEFAULT) std::fill(row, row + n_, factor(static_cast<size_t>(i)));
      for (int64_t l = 0; l < k_; ++l) {
        const float a = factor(static_cast<size_t>(i * k_ + l));
        for (int64_t j = 0; j < n_; ++j) row[j] += a * factor(static_cast<size_t>(l * n_ + j));
      }
      if (epilogue_ == CUBLASLT_EPILOGUE_RELU_BIAS) {
        for (int64_t j = 0; j < n_; ++j) row[j] = std::max(row[j], 0.0f);
      }
    }
    for (size_t i = 0; i < got.size(); ++i) {
      if (got[i] == expected[i]) continue;
      throw std::runtime_error("expected " + std::to_string(expected[i]) + " at " + std::to_string(i) +
                               ", got " + std::to_string(got[i]));
    }
  }

 private:
  static constexpr size_t workspace_bytes = size_t{32} << 20;

  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, Value value) {
    check(cublasLtMatmulDescSetAttribute(description_, attribute, &value, sizeof value),
          "describing a product");
  }

  void create_layout(cublasLtMatrixLayout_t* layout, cudaDataType_t type, int64_t rows,
                     int64_t columns) const {
    const uint64_t r = static_cast<uint64_t>(rows), c = static_cast<uint64_t>(columns);
    check(cublasLtMatrixLayoutCreate(layout, type, row_order_ ? r : c, row_order_ ? c : r, columns),
          "describing a matrix");
    const int32_t order = CUBLASLT_ORDER_ROW;
    if (!row_order_) return;
    check(cublasLtMatrixLayoutSetAttribute(*layout, CUBLASLT_MATRIX_LAYOUT_ORDER, &order, sizeof order),
          "describing a matrix");
  }

  cublasLtMatrixLayout_t first_layout() const { return row_order_ ? a_layout_ : b_layout_; }
  cublasLtMatrixLayout_t second_layout() const { return row_order_ ? b_layout_ : a_layout_; }

  cublasLtHandle_t handle_;
  int64_t m_, n_, k_;
  bool row_order_;
  cublasLtEpilogue_t epilogue_;
  void *a_ = nullptr, *b_ = nullptr, *bias_ = nullptr, *workspace_ = nullptr;
  float* d_ = nullptr;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t a_layout_ = nullptr, b_layout_ = nullptr, d_layout_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
  int offered_ = 0;
};

cublasLtHandle_t open_cublas() {
  const double begin = seconds();
  cublasLtHandle_t handle = nullptr;
  check(cublasLtCreate(&handle), "opening cuBLASLt");
  report("opening cuBLASLt", "%.0f ms", (seconds() - begin) * 1e3);
  return handle;
}

}  // namespace

void product() {
  const Streams on;
  unsigned* flag = on_device(std::vector<unsigned>{1});
  const cublasLtHandle_t handle = open_cublas();
  for (const Kind& kind : kinds) {
    attempt(kind.name, [&] {
      const Product created(handle, kind, 64, 128, 96, false, CUBLASLT_EPILOGUE_DEFAULT);
      created.run(on.lanes[0]);
      created.verify();
      const cudaGraphExec_t graph = captured(on, [&] { created.run(on.lanes[0]); });
      CHECK(cudaGraphLaunch(graph, on.lanes[0]));
      created.verify();
      const cudaGraphExec_t body =
          captured(on, [&] { if_flag(on, flag, [&] { created.run(on.bodies[0]); }); });
      CHECK(cudaGraphLaunch(body, on.lanes[0]));
      created.verify();
      const double directly = device_microseconds(on.lanes[0], 200, [&] { created.run(on.lanes[0]); });
      report(kind.name,
             "works without a graph (64 x 128 x 96: %.2f us), in a graph (%.2f us) and in a conditional body "
             "(%.2f "
             "us)",
             directly, graph_microseconds(on, graph), graph_microseconds(on, body));
    });
  }
}

void epilogue() {
  const Streams on;
  const cublasLtHandle_t handle = open_cublas();
  constexpr int64_t m = 512, n = 128, k = 784;  // the first layer of mnist-m
  for (const Kind& kind : kinds) {
    const auto measure = [&](const char* name, bool row_order, cublasLtEpilogue_t requested) {
      const std::string what = std::string(kind.name) + " " + name;
      attempt(what.c_str(), [&] {
        const Product created(handle, kind, m, n, k, row_order, requested);
        created.run(on.lanes[0]);
        created.verify();
        report(what.c_str(), "works, %d algorithms offered, the first needs %.2f us", created.offered(),
               device_microseconds(on.lanes[0], 100, [&] { created.run(on.lanes[0]); }));
      });
    };
    measure("as the engine describes it", false, CUBLASLT_EPILOGUE_DEFAULT);
    measure("row-major", true, CUBLASLT_EPILOGUE_DEFAULT);
    measure("row-major BIAS", true, CUBLASLT_EPILOGUE_BIAS);
    measure("row-major RELU_BIAS", true, CUBLASLT_EPILOGUE_RELU_BIAS);
  }
}

}  // namespace probe
