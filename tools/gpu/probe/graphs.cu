#include "graphs.h"

namespace probe {

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

double graph_microseconds(const Streams& on, cudaGraphExec_t graph, int times) {
  return device_microseconds(on.lanes[0], times, [&] { CHECK(cudaGraphLaunch(graph, on.lanes[0])); });
}

namespace {

__global__ void set_condition(cudaGraphConditionalHandle handle, const unsigned* flag) {
  cudaGraphSetConditional(handle, *flag);
}

}  // namespace

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

}  // namespace probe
