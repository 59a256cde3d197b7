// The only function that launches kernels. A kernel is a struct, passed by value, whose body is written for one thread:
//
//   static constexpr int threads, phases;     threads per block; parts of the body, with a barrier between two parts
//   struct Shared, Local                      memory of a block and of a thread that lasts for all phases (or None)
//   template <int phase> DEVICE void run(Thread at, Shared& shared, Local& local) const;
//
// If the number of barriers is known only at launch, the kernel has phases = by_rounds and these functions:
//
//   DEVICE int32_t rounds() const;
//   DEVICE void run(Thread at, int32_t round, Shared& shared) const
//
// nvcc compiles a kernel to a __global__ function with a barrier between its phases. A C++ compiler compiles the same
// source to loops over blocks, phases and threads, so that tests run it without a GPU.
#pragma once

#include <cstdint>

#include "backend/cuda/device.h"
#include "util/check.h"

#if defined(__CUDACC__)
#define DEVICE __device__ __forceinline__
#define CHAINRULE_UNROLL _Pragma("unroll")
#define CHAINRULE_UNROLL_BY_4 _Pragma("unroll 4")
// For a loop over rows that calls a rule of T. In double, unrolling would need more registers than there are.
#define CHAINRULE_UNROLL_ROWS _Pragma("unroll (sizeof(T) == 4 ? 4 : 1)")
#else
#include <functional>
#define DEVICE inline
#define CHAINRULE_UNROLL
#define CHAINRULE_UNROLL_BY_4
#define CHAINRULE_UNROLL_ROWS
#endif

namespace chainrule {
namespace cuda {

struct Thread {
  int64_t block;
  int32_t thread;
};

struct None {};

constexpr int by_rounds = 0;

// The largest number of blocks of one launch.
constexpr int64_t max_blocks = INT32_MAX;

inline void check_blocks(int64_t blocks) {
  if (blocks < 1 || blocks > max_blocks) {
    throw Error(message("launching a kernel: expected 1 to ", max_blocks, " blocks, but got ", blocks));
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

// Uses dynamic shared memory, because such a kernel may need more than the 48 KiB of static shared memory.
template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads, 1) entry_of_rounds(const __grid_constant__ Kernel kernel) {
  extern __shared__ __align__(16) char memory[];
  typename Kernel::Shared& shared = *reinterpret_cast<typename Kernel::Shared*>(memory);
  const Thread at{static_cast<int64_t>(blockIdx.x), static_cast<int32_t>(threadIdx.x)};
  const int32_t rounds = kernel.rounds();
  for (int32_t round = 0; round < rounds; ++round) {
    if (round > 0) __syncthreads();
    kernel.run(at, round, shared);
  }
}

template <class Kernel>
void launch(Queue* queue, int64_t blocks, const Kernel& kernel) {
  static_assert(sizeof(Kernel) <= 32764, "the largest kernel parameter since CUDA 12.1");
  check_blocks(blocks);
  const cudaStream_t stream = static_cast<cudaStream_t>(native_stream(queue));
  if constexpr (Kernel::phases == by_rounds) {
    constexpr int bytes = static_cast<int>(sizeof(typename Kernel::Shared));
    const cudaError_t allowed =
        cudaFuncSetAttribute(entry_of_rounds<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (allowed != cudaSuccess) {
      cudaGetLastError();  // clears the error, so that check_launch does not report it for the next launch
      throw Error(message("a kernel needs ", bytes, " bytes of shared memory per block, but CUDA refused: ",
                          cudaGetErrorString(allowed), " (", cudaGetErrorName(allowed), ")"));
    }
    entry_of_rounds<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, bytes, stream>>>(kernel);
  } else {
    entry<Kernel><<<static_cast<unsigned>(blocks), Kernel::threads, 0, stream>>>(kernel);
  }
  check_launch(__PRETTY_FUNCTION__);
}

#else

// The emulated device implements the following functions (src/test/cpp/cuda/emulated).

// Enqueues the work, or adds it to the graph during a capture.
void enqueue(Queue* queue, std::function<void()> work);

// Returns true if a block's threads run in descending order between two barriers. No result may depend on the order.
// The tests run both.
bool threads_run_backwards();

// Fills memory with NaN.
void poison(void* memory, size_t bytes);

// Passes a kernel's parameter to the device. To test the probe (probe.h), it can throw or damage the parameter.
void pass(const Queue* queue, void* kernel, size_t bytes);

// Calls body for each thread of a block.
template <class Kernel, class Body>
void for_threads(int64_t block, Body body) {
  const bool backwards = threads_run_backwards();
  for (int32_t i = 0; i < Kernel::threads; ++i) {
    body(Thread{block, backwards ? Kernel::threads - 1 - i : i});
  }
}

template <int phase, class Kernel>
void run_phases(const Kernel& kernel, int64_t block, typename Kernel::Shared& shared,
                typename Kernel::Local* locals) {
  for_threads<Kernel>(block, [&](Thread at) { kernel.template run<phase>(at, shared, locals[at.thread]); });
  if constexpr (phase + 1 < Kernel::phases) run_phases<phase + 1>(kernel, block, shared, locals);
}

template <class Kernel>
void launch(Queue* queue, int64_t blocks, const Kernel& kernel) {
  check_blocks(blocks);
  Kernel passed = kernel;
  pass(queue, &passed, sizeof passed);
  enqueue(queue, [blocks, kernel = passed] {
    typename Kernel::Shared shared;
    for (int64_t block = 0; block < blocks; ++block) {
      poison(&shared, sizeof shared);
      if constexpr (Kernel::phases == by_rounds) {
        for (int32_t round = 0; round < kernel.rounds(); ++round) {
          for_threads<Kernel>(block, [&](Thread at) { kernel.run(at, round, shared); });
        }
      } else {
        typename Kernel::Local locals[Kernel::threads];
        poison(locals, sizeof locals);
        run_phases<0>(kernel, block, shared, locals);
      }
    }
  });
}

#endif

}  // namespace cuda
}  // namespace chainrule
