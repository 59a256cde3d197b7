// The sections about the device and its memory.
#include <cublasLt.h>

#include <cstdint>
#include <cstdio>

#include "graphs.h"
#include "report.h"
#include "sections.h"

namespace probe {

void device() {
  cudaDeviceProp properties{};
  const double begin = seconds();
  CHECK(cudaFree(nullptr));
  report("opening the device", "%.0f ms", (seconds() - begin) * 1e3);
  CHECK(cudaGetDeviceProperties(&properties, 0));
  int driver = 0;
  CHECK(cudaDriverGetVersion(&driver));
  report("name", "%s, compute capability %d.%d, %d multiprocessors", properties.name, properties.major,
         properties.minor, properties.multiProcessorCount);
  report("versions", "driver %d, runtime %d, cuBLASLt %zu", driver, CUDART_VERSION, cublasLtGetVersion());
  size_t free_bytes = 0, total_bytes = 0;
  CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  report("memory", "totalGlobalMem %zu, total of cudaMemGetInfo %zu (%s), free %zu",
         properties.totalGlobalMem, total_bytes,
         properties.totalGlobalMem == total_bytes ? "the same" : "DIFFERENT", free_bytes);
  report("maximum shared memory per block", "%zu bytes", properties.sharedMemPerBlockOptin);
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
      report(what,
             "cudaMalloc and cudaFree %.1f us, cudaHostAlloc and cudaFreeHost %.1f us, from a pool %.1f us, "
             "first allocation %.1f us, after a trim %.1f us",
             device, pinned, again, first, trimmed);
      CHECK(cudaStreamSynchronize(on.lanes[0]));
      CHECK(cudaMemPoolDestroy(pool));
    });
  }
}

}  // namespace probe
