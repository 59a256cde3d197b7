// The one launcher. A kernel is a struct, passed by value, whose body is written for one thread:
//
//   static constexpr int threads, phases;     threads a block; parts of the body between which the block waits
//   struct Shared, Local                      a block's memory, a thread's memory: they outlive a phase (or None)
//   template <int phase> DEVICE void run(Thread at, Shared& shared, Local& local) const;
//
// By nvcc it becomes a __global__ function with a barrier between its phases. By a C++ compiler it becomes loops over
// blocks, phases and threads, so that the same source runs, and is tested, where there is no GPU.
#pragma once

#include <cstdint>

#include "backend/cuda/device.h"
#include "util/check.h"

#if defined(__CUDACC__)
#define DEVICE __device__ __forceinline__
#define CHAINRULE_UNROLL _Pragma("unroll")
// A loop over rows that calls a rule of T: in double, more than one row at a time takes more registers than there are.
#define CHAINRULE_UNROLL_ROWS _Pragma("unroll (sizeof(T) == 4 ? 4 : 1)")
#else
#include <functional>
#define DEVICE inline
#define CHAINRULE_UNROLL
#define CHAINRULE_UNROLL_ROWS
#endif

namespace chainrule {
namespace cuda {

struct Thread {
  int64_t block;
  int32_t thread;
};

struct None {};

// The most blocks of one launch.
constexpr int64_t max_blocks = INT32_MAX;

inline void check_blocks(int64_t blocks) {
  if (blocks < 1 || blocks > max_blocks) {
    throw Error(message("a kernel was to be launched on ", blocks, " blocks, but from 1 to ", max_blocks,
                        " are possible"));
  }
}

#if defined(__CUDACC__)

// device.cpp
void* native_stream(Queue* queue);
void check_launch(const char* kernel);

template <int phase, class Kernel>
DEVICE void run_phases(const Kernel& kernel, Thread at, typename Kernel::Shared& shared,
                       typename Kernel::Local& local) {
  kernel.template run<phase>(at, shared, local);
  if constexpr (phase + 1 < Kernel::phases) {
    __syncthreads();
    run_phases<phase + 1>(kernel, at, shared, local);
  }
}

template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, 1) entry(const __grid_constant__ Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  typename Kernel::Local local;
  run_phases<0>(kernel, Thread{static_cast<int64_t>(blockIdx.x), static_cast<int32_t>(threadIdx.x)}, shared,
                local);
}

template <class Kernel>
void launch(Queue* queue, int64_t blocks, const Kernel& kernel) {
  check_blocks(blocks);
  entry<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, 0,
                  static_cast<cudaStream_t>(native_stream(queue))>>>(kernel);
  check_launch(__PRETTY_FUNCTION__);
}

#else

// Does the work, or keeps it while a graph is captured.
void enqueue(Queue* queue, std::function<void()> work);

// The order in which a block's threads run between two barriers. No result may depend on it: a test runs both.
bool threads_run_backwards();

void poison(void* memory, size_t bytes);

template <int phase, class Kernel>
void run_phases(const Kernel& kernel, int64_t block, typename Kernel::Shared& shared,
                typename Kernel::Local* locals) {
  const bool backwards = threads_run_backwards();
  for (int32_t i = 0; i < Kernel::threads; ++i) {
    const int32_t thread = backwards ? Kernel::threads - 1 - i : i;
    kernel.template run<phase>(Thread{block, thread}, shared, locals[thread]);
  }
  if constexpr (phase + 1 < Kernel::phases) run_phases<phase + 1>(kernel, block, shared, locals);
}

template <class Kernel>
void launch(Queue* queue, int64_t blocks, const Kernel& kernel) {
  check_blocks(blocks);
  enqueue(queue, [blocks, kernel] {
    typename Kernel::Shared shared;
    typename Kernel::Local locals[Kernel::threads];
    for (int64_t block = 0; block < blocks; ++block) {
      poison(&shared, sizeof shared);
      poison(locals, sizeof locals);
      run_phases<0>(kernel, block, shared, locals);
    }
  });
}

#endif

}  // namespace cuda
}  // namespace chainrule
