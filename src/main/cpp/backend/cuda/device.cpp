// device.h with the CUDA runtime. Compiled by nvcc.
#include "backend/cuda/device.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <cstring>
#include <memory>
#include <utility>

#include "backend/cuda/launch.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/program.h"
#include "util/check.h"

namespace chainrule {
namespace cuda {

namespace {

// Throws Error if the call has failed. The parts say what was tried. They are formatted only after a failure.
template <class... Parts>
void check(cudaError_t status, const Parts&... what) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // clears the error, so that check_launch does not report it for the next launch
  throw Error(message(what..., ": ", cudaGetErrorString(status), " (", cudaGetErrorName(status), ")"));
}

// For functions that free, which cannot throw. Clears the error, so that check_launch does not report it.
void ignore(cudaError_t status) noexcept {
  if (status != cudaSuccess) cudaGetLastError();
}

size_t size(int64_t bytes) { return static_cast<size_t>(bytes); }

}  // namespace

struct Queue {
  cudaStream_t streams[2] = {};  // by lane; the second one is used only during a capture
  cudaStream_t bodies[2] = {};   // by lane: capture the conditional part
  bool in_body = false;
  int32_t lane = 0;
};
struct Pool {
  cudaMemPool_t pool = nullptr;
};
struct Graph {
  cudaGraphExec_t exec = nullptr;
};
struct Event {
  cudaEvent_t event = nullptr;
};

// ---- the device

CudaVersions versions() {
  CudaVersions found;
  int driver = 0, devices = 0;
  if (cudaDriverGetVersion(&driver) == cudaSuccess) found.driver = driver;
  if (cudaGetDeviceCount(&devices) == cudaSuccess) found.devices = devices;
  found.runtime = CUDART_VERSION;
  found.cublas = static_cast<int64_t>(cublasLtGetVersion());
  cudaGetLastError();  // Without a driver the calls above fail, which is not an error here.
  return found;
}

CudaDevice describe(int32_t device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "reading the properties of CUDA device ", device);
  CudaDevice about;
  static_assert(sizeof about.name == sizeof properties.name, "the name with its terminating zero is copied");
  std::memcpy(about.name, properties.name, sizeof about.name);
  about.capability_major = properties.major;
  about.capability_minor = properties.minor;
  about.total_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  return about;
}

void use(int32_t device) {
  // Called every time, because other code of the thread may have selected another device.
  check(cudaSetDevice(device), "opening CUDA device ", device);
}

// ---- memory

Pool* make_pool(int32_t device) {
  int pools = 0;
  check(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device),
        "reading whether the device supports memory pools");
  if (pools == 0) return nullptr;
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  std::unique_ptr<Pool, PoolDeleter> made(new Pool);
  check(cudaMemPoolCreate(&made->pool, &properties), "creating a memory pool");
  uint64_t kept = UINT64_MAX;  // The pool keeps all freed memory until it is trimmed.
  check(cudaMemPoolSetAttribute(made->pool, cudaMemPoolAttrReleaseThreshold, &kept),
        "setting the release threshold of a memory pool");
  return made.release();
}

void destroy(Pool* pool) noexcept {
  if (pool == nullptr) return;
  if (pool->pool != nullptr) ignore(cudaMemPoolDestroy(pool->pool));
  delete pool;
}

int64_t unused_bytes(Pool* pool) {
  uint64_t reserved = 0, used = 0;
  for (auto [attribute, value] :
       {std::pair(cudaMemPoolAttrReservedMemCurrent, &reserved), {cudaMemPoolAttrUsedMemCurrent, &used}}) {
    check(cudaMemPoolGetAttribute(pool->pool, attribute, value), "reading a memory pool's size");
  }
  return static_cast<int64_t>(reserved - used);
}

void trim(Pool* pool, int64_t keep) {
  check(cudaMemPoolTrimTo(pool->pool, size(keep)), "trimming a memory pool");
}

char* allocate_device(Pool* pool, Queue* queue, int64_t bytes) {
  void* memory = nullptr;
  const cudaError_t status =
      pool == nullptr ? cudaMalloc(&memory, size(bytes))
                      : cudaMallocFromPoolAsync(&memory, size(bytes), pool->pool, queue->streams[0]);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "allocating ", bytes, " bytes of device memory");
  return static_cast<char*>(memory);
}

void release_device(Pool* pool, Queue* queue, char* memory) noexcept {
  ignore(pool == nullptr ? cudaFree(memory) : cudaFreeAsync(memory, queue->streams[0]));
}

char* allocate_pinned(int64_t bytes) {
  void* memory = nullptr;
  check(cudaHostAlloc(&memory, size(bytes), cudaHostAllocPortable), "allocating ", bytes,
        " bytes of pinned memory");
  return static_cast<char*>(memory);
}

void release_pinned(char* memory) noexcept { ignore(cudaFreeHost(memory)); }

DeviceBytes device_bytes() {
  size_t free_now = 0, total = 0;
  check(cudaMemGetInfo(&free_now, &total), "reading the device's free memory");
  return {static_cast<int64_t>(free_now), static_cast<int64_t>(total)};
}

// ---- queues

namespace {

cudaStream_t current(const Queue* queue) {
  return (queue->in_body ? queue->bodies : queue->streams)[queue->lane];
}

void make_stream(cudaStream_t* stream) {
  if (*stream == nullptr)
    check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "creating a CUDA stream");
}

}  // namespace

void* native_stream(Queue* queue) { return current(queue); }

void check_launch(const char* kernel) {
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) check(status, "launching ", kernel);
}

Queue* make_queue() {
  std::unique_ptr<Queue, QueueDeleter> queue(new Queue);
  make_stream(&queue->streams[0]);
  return queue.release();
}

void destroy(Queue* queue) noexcept {
  if (queue == nullptr) return;
  for (cudaStream_t stream : {queue->streams[0], queue->streams[1], queue->bodies[0], queue->bodies[1]}) {
    if (stream != nullptr) ignore(cudaStreamDestroy(stream));
  }
  delete queue;
}

void copy(Queue* queue, void* to, const void* from, int64_t bytes) {
  check(cudaMemcpyAsync(to, from, size(bytes), cudaMemcpyDefault, current(queue)), "copying ", bytes,
        " bytes");
}

void zero(Queue* queue, char* to, int64_t bytes) {
  check(cudaMemsetAsync(to, 0, size(bytes), current(queue)), "zeroing ", bytes, " bytes");
}

void synchronize(Queue* queue) { check(cudaStreamSynchronize(queue->streams[0]), "waiting for the device"); }

// ---- graphs

namespace {

// Checks the loss and enables the conditional node if the step trains.
struct SetCondition {
  static constexpr int threads = 32, phases = 1;
  using Shared = None;
  using Local = None;

  LossCheck check;
  cudaGraphConditionalHandle handle;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    if (at.thread == 0) cudaGraphSetConditional(handle, check.run() ? 1 : 0);
  }
};

struct RunCheck {
  static constexpr int threads = 32, phases = 1;
  using Shared = None;
  using Local = None;

  LossCheck check;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    if (at.thread == 0) check.run();
  }
};

}  // namespace

void begin_capture(Queue* queue) {
  for (cudaStream_t* stream : {&queue->streams[1], &queue->bodies[0], &queue->bodies[1]}) make_stream(stream);
  queue->in_body = false;
  queue->lane = 0;
  check(cudaStreamBeginCapture(queue->streams[0], cudaStreamCaptureModeThreadLocal),
        "beginning to capture a graph");
}

void set_lane(Queue* queue, int32_t lane) { queue->lane = lane; }

Graph* end_capture(Queue* queue) {
  cudaGraph_t graph = nullptr;
  check(cudaStreamEndCapture(queue->streams[0], &graph), "capturing a graph");
  auto made = std::make_unique<Graph>();
  const cudaError_t status = cudaGraphInstantiate(&made->exec, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "instantiating a captured graph");
  return made.release();
}

void abandon_capture(Queue* queue) noexcept {
  cudaGraph_t graph = nullptr;
  if (queue->in_body) cudaStreamEndCapture(queue->bodies[0], &graph);  // The conditional node owns it.
  queue->in_body = false;
  queue->lane = 0;
  graph = nullptr;
  if (cudaStreamEndCapture(queue->streams[0], &graph) == cudaSuccess && graph != nullptr)
    cudaGraphDestroy(graph);
  cudaGetLastError();
}

void begin_if_trains(Queue* queue, const LossCheck& loss) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaGraph_t graph = nullptr;
  check(cudaStreamGetCaptureInfo(queue->streams[0], &status, nullptr, &graph, nullptr, nullptr, nullptr),
        "reading the graph that is being captured");
  if (status != cudaStreamCaptureStatusActive)
    throw Error(
        "beginning the conditional part of a graph: expected a capture, but no graph is being captured");
  cudaGraphConditionalHandle handle{};
  check(cudaGraphConditionalHandleCreate(&handle, graph, 0, cudaGraphCondAssignDefault),
        "creating a graph's condition");
  launch(queue, 1, SetCondition{loss, handle});
  // The conditional node depends on everything that has been captured so far, including the kernel that sets its
  // condition.
  const cudaGraphNode_t* before = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  size_t count = 0;
  check(cudaStreamGetCaptureInfo(queue->streams[0], &status, nullptr, &graph, &before, &edges, &count),
        "reading the graph that is being captured");
  cudaGraphNodeParams parameters{};
  parameters.type = cudaGraphNodeTypeConditional;
  parameters.conditional.handle = handle;
  parameters.conditional.type = cudaGraphCondTypeIf;
  parameters.conditional.size = 1;
  cudaGraphNode_t node = nullptr;
  check(cudaGraphAddNode(&node, graph, before, edges, count, &parameters), "adding a graph's condition");
  check(cudaStreamUpdateCaptureDependencies(queue->streams[0], &node, nullptr, 1,
                                            cudaStreamSetCaptureDependencies),
        "adding a graph's condition");
  check(cudaStreamBeginCaptureToGraph(queue->bodies[0], parameters.conditional.phGraph_out[0], nullptr,
                                      nullptr, 0, cudaStreamCaptureModeThreadLocal),
        "beginning to capture a graph's conditional part");
  queue->in_body = true;
}

void end_if(Queue* queue) {
  cudaGraph_t graph = nullptr;
  queue->in_body = false;
  check(cudaStreamEndCapture(queue->bodies[0], &graph), "capturing a graph's conditional part");
}

void launch(Queue* queue, Graph* graph) {
  check(cudaGraphLaunch(graph->exec, queue->streams[0]), "launching a captured graph");
}

void destroy(Graph* graph) noexcept {
  if (graph == nullptr) return;
  ignore(cudaGraphExecDestroy(graph->exec));
  delete graph;
}

void check_loss(Queue* queue, const LossCheck& loss) { launch(queue, 1, RunCheck{loss}); }

// ---- events

Event* make_event(bool timed) {
  auto event = std::make_unique<Event>();
  check(cudaEventCreateWithFlags(&event->event, timed ? cudaEventDefault : cudaEventDisableTiming),
        "creating a CUDA event");
  return event.release();
}

void record(Queue* queue, Event* event) {
  check(cudaEventRecord(event->event, current(queue)), "recording a CUDA event");
}

void wait(Queue* queue, Event* event) {
  check(cudaStreamWaitEvent(current(queue), event->event, 0), "waiting for a CUDA event");
}

void synchronize(Event* event) { check(cudaEventSynchronize(event->event), "waiting for a CUDA event"); }

double seconds_between(Event* first, Event* second) {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, first->event, second->event), "reading CUDA events");
  return static_cast<double>(milliseconds) * 1e-3;
}

void destroy(Event* event) noexcept {
  if (event == nullptr) return;
  ignore(cudaEventDestroy(event->event));
  delete event;
}

}  // namespace cuda
}  // namespace chainrule
