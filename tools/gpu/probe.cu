// What a GPU and its driver do of what the engine builds on, and what each thing costs: ten seconds, before any test. It
// goes the engine's ways (backend/cuda/device.cpp, blas.cpp) without its code, so that a failure here has few causes.
//   probe                every section in a process of its own, each with a time limit: none stops another
//   probe SECTION        that section alone, in this process. Two are not among the others: 'overrun' writes past the end of a
//                        block, to see that compute-sanitizer finds that in kernels whose name has ours in it; 'hold' keeps
//                        the device open for ten minutes, since a driver may begin anew for each process that is alone
// Each line is "section: what: a figure, or 'works', or 'FAILED' and why". The exit status is 0 whatever was found.
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace chainrule {

__global__ void overrun(unsigned* block, unsigned size) { block[size] = 1; }

}  // namespace chainrule

namespace {

constexpr double most_seconds = 10, section_seconds = 4;

const char* section_name = "";

__attribute__((format(printf, 2, 3))) void say(const char* what, const char* format, ...) {
  std::printf("%s: %s: ", section_name, what);
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
  std::fflush(stdout);
}

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would be blamed
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status) + " (" +
                           cudaGetErrorName(status) + ")");
}
#define CHECK(call) check(call, #call)

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string(what) + ": " + cublasLtGetStatusString(status));
}

// One finding: its failure is said, and the section goes on.
void attempt(const char* what, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    say(what, "FAILED: %s", error.what());
  }
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double host_microseconds(int times, const std::function<void()>& body) {
  const double begin = seconds();
  for (int i = 0; i < times; ++i) body();
  return (seconds() - begin) / times * 1e6;
}

// ---- streams and graphs, as the engine has them

struct Streams {
  cudaStream_t lanes[2] = {}, bodies[2] = {};
  Streams() {
    for (cudaStream_t* stream : {&lanes[0], &lanes[1], &bodies[0], &bodies[1]}) {
      CHECK(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
    }
  }
};

double device_microseconds(cudaStream_t stream, int times, const std::function<void()>& body) {
  cudaEvent_t begin, end;
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  for (int i = 0; i < 3; ++i) body();
  CHECK(cudaEventRecord(begin, stream));
  for (int i = 0; i < times; ++i) body();
  CHECK(cudaEventRecord(end, stream));
  CHECK(cudaEventSynchronize(end));
  float milliseconds = 0;
  CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
  return static_cast<double>(milliseconds) * 1e3 / times;
}

cudaGraphExec_t captured(const Streams& on, const std::function<void()>& body) {
  CHECK(cudaStreamBeginCapture(on.lanes[0], cudaStreamCaptureModeThreadLocal));
  cudaGraph_t graph = nullptr;
  try {
    body();
  } catch (...) {
    cudaStreamEndCapture(on.lanes[0], &graph);
    cudaGetLastError();
    throw;
  }
  CHECK(cudaStreamEndCapture(on.lanes[0], &graph));
  cudaGraphExec_t exec = nullptr;
  CHECK(cudaGraphInstantiate(&exec, graph, 0));
  CHECK(cudaGraphDestroy(graph));
  return exec;
}

double graph_microseconds(const Streams& on, cudaGraphExec_t graph, int times = 200) {
  return device_microseconds(on.lanes[0], times, [&] { CHECK(cudaGraphLaunch(graph, on.lanes[0])); });
}

__global__ void set_condition(cudaGraphConditionalHandle handle, const unsigned* flag) {
  cudaGraphSetConditional(handle, *flag);
}

// While lane 0 is captured: what the body gives to bodies[0] becomes conditional on the flag.
void if_flag(const Streams& on, const unsigned* flag, const std::function<void()>& body) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamGetCaptureInfo(on.lanes[0], &status, nullptr, &graph, nullptr, nullptr, nullptr));
  cudaGraphConditionalHandle handle{};
  CHECK(cudaGraphConditionalHandleCreate(&handle, graph, 0, cudaGraphCondAssignDefault));
  set_condition<<<1, 1, 0, on.lanes[0]>>>(handle, flag);
  CHECK(cudaGetLastError());
  const cudaGraphNode_t* before = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  size_t count = 0;
  CHECK(cudaStreamGetCaptureInfo(on.lanes[0], &status, nullptr, &graph, &before, &edges, &count));
  cudaGraphNodeParams parameters{};
  parameters.type = cudaGraphNodeTypeConditional;
  parameters.conditional.handle = handle;
  parameters.conditional.type = cudaGraphCondTypeIf;
  parameters.conditional.size = 1;
  cudaGraphNode_t node = nullptr;
  CHECK(cudaGraphAddNode(&node, graph, before, edges, count, &parameters));
  CHECK(
      cudaStreamUpdateCaptureDependencies(on.lanes[0], &node, nullptr, 1, cudaStreamSetCaptureDependencies));
  CHECK(cudaStreamBeginCaptureToGraph(on.bodies[0], parameters.conditional.phGraph_out[0], nullptr, nullptr,
                                      0, cudaStreamCaptureModeThreadLocal));
  try {
    body();
  } catch (...) {
    cudaStreamEndCapture(on.bodies[0], &graph);
    cudaGetLastError();
    throw;
  }
  CHECK(cudaStreamEndCapture(on.bodies[0], &graph));
}

// Two lanes that begin together and end together, on these two streams.
void in_lanes(const cudaStream_t* streams, const std::function<void(cudaStream_t)>& each) {
  cudaEvent_t begin, end;
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  CHECK(cudaEventRecord(begin, streams[0]));
  CHECK(cudaStreamWaitEvent(streams[1], begin, 0));
  each(streams[0]);
  each(streams[1]);
  CHECK(cudaEventRecord(end, streams[1]));
  CHECK(cudaStreamWaitEvent(streams[0], end, 0));
}

template <class T>
T* on_device(const std::vector<T>& values) {
  T* memory = nullptr;
  CHECK(cudaMalloc(&memory, values.size() * sizeof(T)));
  CHECK(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return memory;
}

template <class T>
T value_at(const T* memory) {
  T value{};
  CHECK(cudaMemcpy(&value, memory, sizeof value, cudaMemcpyDeviceToHost));
  return value;
}

__global__ void count_up(unsigned* counter) { *counter += 1; }

void expect(unsigned got, unsigned expected) {
  if (got == expected) return;
  throw std::runtime_error("expected a count of " + std::to_string(expected) + ", got " +
                           std::to_string(got));
}

// ---- sections

void device() {
  cudaDeviceProp properties{};
  const double begin = seconds();
  CHECK(cudaFree(nullptr));
  say("opening it", "%.0f ms", (seconds() - begin) * 1e3);
  CHECK(cudaGetDeviceProperties(&properties, 0));
  int driver = 0;
  CHECK(cudaDriverGetVersion(&driver));
  say("is", "%s, compute capability %d.%d, %d multiprocessors", properties.name, properties.major,
      properties.minor, properties.multiProcessorCount);
  say("versions", "driver %d, runtime %d, cuBLASLt %zu", driver, CUDART_VERSION, cublasLtGetVersion());
  size_t free_bytes = 0, total_bytes = 0;
  CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  say("memory", "totalGlobalMem %zu, cudaMemGetInfo's total %zu (%s), free %zu", properties.totalGlobalMem,
      total_bytes, properties.totalGlobalMem == total_bytes ? "the same" : "ANOTHER", free_bytes);
  say("a block's shared memory at most", "%zu bytes", properties.sharedMemPerBlockOptin);
}

void graph() {
  const Streams on;
  unsigned* counter = on_device(std::vector<unsigned>(1));
  const auto chain = [&](int nodes) {
    return captured(on, [&] {
      for (int i = 0; i < nodes; ++i) count_up<<<1, 1, 0, on.lanes[0]>>>(counter);
      CHECK(cudaGetLastError());
    });
  };
  attempt("chain of nodes", [&] {
    const cudaGraphExec_t one = chain(1), many = chain(101);
    CHECK(cudaGraphLaunch(many, on.lanes[0]));
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    expect(value_at(counter), 101);
    const double first = graph_microseconds(on, one), all = graph_microseconds(on, many);
    say("a launch of a graph of one node, one after another", "%.2f us", first);
    say("each dependent node more", "%.2f us", (all - first) / 100);
    const double launch = host_microseconds(200, [&] { CHECK(cudaGraphLaunch(one, on.lanes[0])); });
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    say("the processor's time for a launch", "%.2f us", launch);
    say("launch and wait", "%.2f us", host_microseconds(200, [&] {
          CHECK(cudaGraphLaunch(one, on.lanes[0]));
          CHECK(cudaStreamSynchronize(on.lanes[0]));
        }));
  });
  attempt("kernels without a graph", [&] {
    say("each kernel launched by itself", "%.2f us",
        device_microseconds(on.lanes[0], 500, [&] { count_up<<<1, 1, 0, on.lanes[0]>>>(counter); }));
  });
}

void condition() {
  const Streams on;
  unsigned* counter = on_device(std::vector<unsigned>(1));
  unsigned* flags = on_device(std::vector<unsigned>{0, 1});
  const auto conditional = [&](const unsigned* flag, int nodes) {
    return captured(on, [&] {
      count_up<<<1, 1, 0, on.lanes[0]>>>(counter);
      if_flag(on, flag, [&] {
        for (int i = 0; i < nodes; ++i) count_up<<<1, 1, 0, on.bodies[0]>>>(counter);
        CHECK(cudaGetLastError());
      });
    });
  };
  attempt("a conditional body", [&] {
    const cudaGraphExec_t with = conditional(flags + 1, 10), without = conditional(flags, 10);
    CHECK(cudaGraphLaunch(with, on.lanes[0]));
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    expect(value_at(counter), 11);
    CHECK(cudaGraphLaunch(without, on.lanes[0]));
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    expect(value_at(counter), 12);
    const cudaGraphExec_t plain = captured(on, [&] {
      for (int i = 0; i < 11; ++i) count_up<<<1, 1, 0, on.lanes[0]>>>(counter);
    });
    const double bare = graph_microseconds(on, plain), taken = graph_microseconds(on, with);
    say("works",
        "11 nodes %.2f us; the same with the last ten in a body %.2f us: condition and its kernel cost %.2f "
        "us",
        bare, taken, taken - bare);
    say("a body that is not run", "%.2f us in all", graph_microseconds(on, without));
  });
}

// As large as the tile kernel's list of instructions.
struct Instructions {
  int64_t count, rounds;
  struct {
    uint32_t words[50];
  } instructions[64];
};
static_assert(sizeof(Instructions) == 12816, "as the tile kernel's parameter");
constexpr int tile_threads = 128, tile_bytes = 64 * 1024 - 512;

__global__ void __launch_bounds__(tile_threads, 1)
    read_instructions(const __grid_constant__ Instructions instructions, unsigned* sums) {
  extern __shared__ unsigned shared[];
  unsigned sum = 0;
  for (int64_t round = 0; round < instructions.rounds; ++round) {
    sum += instructions.instructions[round].words[threadIdx.x % 50];
    __syncthreads();
  }
  shared[threadIdx.x] = sum;
  __syncthreads();
  sums[blockIdx.x * tile_threads + threadIdx.x] = shared[tile_threads - 1 - threadIdx.x];
}

void large_parameter() {
  const Streams on;
  constexpr int blocks = 8;
  Instructions instructions{};
  instructions.rounds = 64;
  for (unsigned i = 0; i < 64; ++i) {
    for (unsigned j = 0; j < 50; ++j) instructions.instructions[i].words[j] = 1000 * i + j;
  }
  unsigned* sums = on_device(std::vector<unsigned>(blocks * tile_threads));
  unsigned* flag = on_device(std::vector<unsigned>{1});
  CHECK(cudaFuncSetAttribute(read_instructions, cudaFuncAttributeMaxDynamicSharedMemorySize, tile_bytes));
  const auto launch = [&](cudaStream_t stream) {
    read_instructions<<<blocks, tile_threads, tile_bytes, stream>>>(instructions, sums);
    CHECK(cudaGetLastError());
  };
  const auto verify = [&] {
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    std::vector<unsigned> got(blocks * tile_threads);
    CHECK(cudaMemcpy(got.data(), sums, got.size() * sizeof(unsigned), cudaMemcpyDeviceToHost));
    CHECK(cudaMemset(sums, 0, got.size() * sizeof(unsigned)));
    for (unsigned i = 0; i < got.size(); ++i) {
      expect(got[i], 1000 * (63 * 64 / 2) + 64 * ((tile_threads - 1 - i % tile_threads) % 50));
    }
  };
  attempt("by itself", [&] {
    launch(on.lanes[0]);
    verify();
    say("by itself", "works, %.2f us", device_microseconds(on.lanes[0], 200, [&] { launch(on.lanes[0]); }));
  });
  attempt("in a graph", [&] {
    const cudaGraphExec_t graph = captured(on, [&] { launch(on.lanes[0]); });
    CHECK(cudaGraphLaunch(graph, on.lanes[0]));
    verify();
    say("in a graph", "works, %.2f us", graph_microseconds(on, graph));
  });
  attempt("in a conditional body", [&] {
    const cudaGraphExec_t graph = captured(on, [&] { if_flag(on, flag, [&] { launch(on.bodies[0]); }); });
    CHECK(cudaGraphLaunch(graph, on.lanes[0]));
    verify();
    say("in a conditional body", "works, %.2f us", graph_microseconds(on, graph));
  });
}

__global__ void spin(long long cycles) {
  const long long begin = clock64();
  while (clock64() - begin < cycles) {
  }
}

void lanes() {
  const Streams on;
  constexpr long long cycles = 30000;
  unsigned* flag = on_device(std::vector<unsigned>{1});
  const auto ten = [](cudaStream_t stream) {
    for (int i = 0; i < 10; ++i) spin<<<1, 1, 0, stream>>>(cycles);
    CHECK(cudaGetLastError());
  };
  const double one = graph_microseconds(on, captured(on, [&] { ten(on.lanes[0]); }), 20);
  say("ten nodes in one lane", "%.1f us", one);
  const auto verdict = [&](const char* where, double both) {
    say(where, "%.1f us: %s", both, both < 1.5 * one ? "they run beside each other" : "THEY RUN IN TURN");
  };
  attempt("ten nodes in each of two lanes", [&] {
    verdict("ten nodes in each of two lanes",
            graph_microseconds(on, captured(on, [&] { in_lanes(on.lanes, ten); }), 20));
  });
  attempt("the same in a conditional body", [&] {
    const cudaGraphExec_t graph = captured(on, [&] { if_flag(on, flag, [&] { in_lanes(on.bodies, ten); }); });
    verdict("the same in a conditional body", graph_microseconds(on, graph, 20));
  });
}

void memory() {
  const Streams on;
  for (const size_t bytes : {size_t{4} << 10, size_t{1} << 20, size_t{64} << 20}) {
    char what[64];
    void* memory = nullptr;
    std::snprintf(what, sizeof what, "%zu KiB", bytes >> 10);
    attempt(what, [&] {
      const double device = host_microseconds(10, [&] {
        CHECK(cudaMalloc(&memory, bytes));
        CHECK(cudaFree(memory));
      });
      const double pinned = host_microseconds(bytes > (size_t{1} << 20) ? 1 : 10, [&] {
        CHECK(cudaHostAlloc(&memory, bytes, cudaHostAllocPortable));
        CHECK(cudaFreeHost(memory));
      });
      cudaMemPoolProps properties{};
      properties.allocType = cudaMemAllocationTypePinned;
      properties.location.type = cudaMemLocationTypeDevice;
      cudaMemPool_t pool = nullptr;
      CHECK(cudaMemPoolCreate(&pool, &properties));
      uint64_t kept = UINT64_MAX;
      CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &kept));
      const auto from_pool = [&] {
        CHECK(cudaMallocFromPoolAsync(&memory, bytes, pool, on.lanes[0]));
        CHECK(cudaStreamSynchronize(on.lanes[0]));
        CHECK(cudaFreeAsync(memory, on.lanes[0]));
      };
      const double first = host_microseconds(1, from_pool), again = host_microseconds(10, from_pool);
      const double trimmed = host_microseconds(5, [&] {
        CHECK(cudaStreamSynchronize(on.lanes[0]));
        CHECK(cudaMemPoolTrimTo(pool, 0));
        from_pool();
      });
      say(what,
          "cudaMalloc and cudaFree %.1f us, cudaHostAlloc and cudaFreeHost %.1f us, from a pool %.1f us, "
          "its first %.1f us, after a trim %.1f us",
          device, pinned, again, first, trimmed);
      CHECK(cudaStreamSynchronize(on.lanes[0]));
      CHECK(cudaMemPoolDestroy(pool));
    });
  }
}

// ---- products

struct Kind {
  const char* name;
  cudaDataType_t factors;
  cublasComputeType_t compute;
};
constexpr Kind kinds[] = {{"float32", CUDA_R_32F, CUBLAS_COMPUTE_32F},
                          {"tf32", CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32},
                          {"bfloat16", CUDA_R_16BF, CUBLAS_COMPUTE_32F}};

// Whole numbers from -2 to 2: all sums are exact at every precision, in any order.
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

// D (m x n) = A (m x k) B (k x n), all row-major in memory. As the engine describes them, cuBLAS sees their transposes;
// with row_order it is told the truth, and an epilogue may add a bias to D's rows.
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
    lay_out(&a_layout_, kind.factors, m, k);
    lay_out(&b_layout_, kind.factors, k, n);
    lay_out(&d_layout_, CUDA_R_32F, m, n);
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

  // Throws where D is not what the processor computes; then D is cleared.
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

  void lay_out(cublasLtMatrixLayout_t* layout, cudaDataType_t type, int64_t rows, int64_t columns) const {
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
  say("opening cuBLASLt", "%.0f ms", (seconds() - begin) * 1e3);
  return handle;
}

void product() {
  const Streams on;
  unsigned* flag = on_device(std::vector<unsigned>{1});
  const cublasLtHandle_t handle = open_cublas();
  for (const Kind& kind : kinds) {
    attempt(kind.name, [&] {
      const Product made(handle, kind, 64, 128, 96, false, CUBLASLT_EPILOGUE_DEFAULT);
      made.run(on.lanes[0]);
      made.verify();
      const cudaGraphExec_t graph = captured(on, [&] { made.run(on.lanes[0]); });
      CHECK(cudaGraphLaunch(graph, on.lanes[0]));
      made.verify();
      const cudaGraphExec_t body = captured(on, [&] { if_flag(on, flag, [&] { made.run(on.bodies[0]); }); });
      CHECK(cudaGraphLaunch(body, on.lanes[0]));
      made.verify();
      const double directly = device_microseconds(on.lanes[0], 200, [&] { made.run(on.lanes[0]); });
      say(kind.name,
          "works by itself (64 x 128 x 96: %.2f us), in a graph (%.2f us) and in a conditional body (%.2f "
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
    const auto measure = [&](const char* name, bool row_order, cublasLtEpilogue_t asked) {
      const std::string what = std::string(kind.name) + " " + name;
      attempt(what.c_str(), [&] {
        const Product made(handle, kind, m, n, k, row_order, asked);
        made.run(on.lanes[0]);
        made.verify();
        say(what.c_str(), "works, %d algorithms offered, the first takes %.2f us", made.offered(),
            device_microseconds(on.lanes[0], 100, [&] { made.run(on.lanes[0]); }));
      });
    };
    measure("as the engine describes it", false, CUBLASLT_EPILOGUE_DEFAULT);
    measure("row-major", true, CUBLASLT_EPILOGUE_DEFAULT);
    measure("row-major BIAS", true, CUBLASLT_EPILOGUE_BIAS);
    measure("row-major RELU_BIAS", true, CUBLASLT_EPILOGUE_RELU_BIAS);
  }
}

void overrun() {
  unsigned* block = on_device(std::vector<unsigned>(64));
  chainrule::overrun<<<1, 1>>>(block, 64);
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
  say("written", "one place past a block of 64, and nothing noticed");
}

void hold() {
  CHECK(cudaFree(nullptr));
  sleep(600);
}

// What is most needed first; the last two only by their names.
constexpr struct {
  const char* name;
  void (*run)();
} sections[] = {
    {"device", device},   {"graph", graph}, {"condition", condition}, {"large parameter", large_parameter},
    {"product", product}, {"lanes", lanes}, {"memory", memory},       {"epilogue", epilogue},
    {"overrun", overrun}, {"hold", hold}};

int run_section(const char* name) {
  for (const auto& section : sections) {
    if (std::strcmp(section.name, name) != 0) continue;
    section_name = section.name;
    try {
      section.run();
      return 0;
    } catch (const std::exception& error) {
      say("FAILED", "%s", error.what());
      return 1;
    }
  }
  std::fprintf(stderr, "probe: there is no section '%s'\n", name);
  return 2;
}

// Says how the section's process ended; one that does not end in time is killed, and not waited for. This process never
// touches CUDA, so that its children can, and cuBLASLt, half a gigabyte, is loaded once.
void run_apart(const char* name, double limit) {
  section_name = name;
  const double begin = seconds();
  if (limit < 0.5) return say("NOT RUN", "the probe's %.0f s are over", most_seconds);
  const pid_t child = fork();
  if (child < 0) return say("FAILED", "no process could be started");
  if (child == 0) {
    const int status = run_section(name);
    std::fflush(stdout);
    _exit(status);
  }
  int status = 0;
  bool ended = false;
  while (!ended && seconds() - begin < limit) {
    ended = waitpid(child, &status, WNOHANG) == child;
    if (!ended) usleep(2000);
  }
  const double took = seconds() - begin;
  if (!ended) {
    kill(child, SIGKILL);
    say("TIMED OUT", "killed after %.1f s", took);
  } else if (WIFSIGNALED(status)) {
    say("CRASHED", "signal %d after %.1f s", WTERMSIG(status), took);
  } else {
    say("ended", "%s after %.1f s", WEXITSTATUS(status) == 0 ? "well" : "with a FAILURE", took);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2) return run_section(arguments[1]);
  const double begin = seconds();
  for (const auto& section : sections) {
    if (section.run == overrun || section.run == hold) continue;
    run_apart(section.name, std::min(section_seconds, begin + most_seconds - seconds()));
  }
  return 0;
}
