// Streams, CUDA graphs and device memory, used in the same way as in the engine.
#pragma once

#include <cuda_runtime.h>

#include <functional>
#include <vector>

#include "report.h"

namespace probe {

// Two lanes and the two streams on which the bodies of conditional nodes are captured.
struct Streams {
  cudaStream_t lanes[2] = {}, bodies[2] = {};
  Streams() {
    for (cudaStream_t* stream : {&lanes[0], &lanes[1], &bodies[0], &bodies[1]}) {
      CHECK(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking));
    }
  }
};

// Returns the microseconds per call on the device, after three calls of warm-up.
double device_microseconds(cudaStream_t stream, int times, const std::function<void()>& body);

// Captures the body on lane 0 as a graph. The graph is never destroyed.
cudaGraphExec_t captured(const Streams& on, const std::function<void()>& body);

// Returns the microseconds per launch of a graph on lane 0.
double graph_microseconds(const Streams& on, cudaGraphExec_t graph, int times = 200);

// Must be called while lane 0 is captured. Captures the work that the body launches on bodies[0] as a conditional node,
// which runs only if the flag in device memory is not 0.
void if_flag(const Streams& on, const unsigned* flag, const std::function<void()>& body);

// Forks from streams[0] to streams[1], calls `each` for both, and joins them again.
void in_lanes(const cudaStream_t* streams, const std::function<void(cudaStream_t)>& each);

// Copies the values to new device memory, which is never freed.
template <class T>
T* on_device(const std::vector<T>& values) {
  T* memory = nullptr;
  CHECK(cudaMalloc(&memory, values.size() * sizeof(T)));
  CHECK(cudaMemcpy(memory, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  return memory;
}

// Copies one value from device memory.
template <class T>
T value_at(const T* memory) {
  T value{};
  CHECK(cudaMemcpy(&value, memory, sizeof value, cudaMemcpyDeviceToHost));
  return value;
}

}  // namespace probe
