// The sections about graphs of kernels.
#include <cstdint>
#include <vector>

#include "graphs.h"
#include "report.h"
#include "sections.h"

namespace probe {

namespace {

__global__ void count_up(unsigned* counter) { *counter += 1; }

// As large as the tile kernel's list of instructions.
struct Instructions {
  int64_t count, rounds;
  struct {
    uint32_t words[56];
  } instructions[64];
};
static_assert(sizeof(Instructions) == 14352, "must have the size of the tile kernel's parameter");
constexpr int tile_threads = 128, tile_bytes = 64 * 1024 - 512;

__global__ void __launch_bounds__(tile_threads, 1)
    read_instructions(const __grid_constant__ Instructions instructions, unsigned* sums) {
  extern __shared__ unsigned shared[];
  unsigned sum = 0;
  for (int64_t round = 0; round < instructions.rounds; ++round) {
    sum += instructions.instructions[round].words[threadIdx.x % 56];
    __syncthreads();
  }
  shared[threadIdx.x] = sum;
  __syncthreads();
  sums[blockIdx.x * tile_threads + threadIdx.x] = shared[tile_threads - 1 - threadIdx.x];
}

__global__ void spin(long long cycles) {
  const long long begin = clock64();
  while (clock64() - begin < cycles) {
  }
}

}  // namespace

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
    report("launch of a graph of one node, in sequence", "%.2f us", first);
    report("each additional dependent node", "%.2f us", (all - first) / 100);
    const double launch = host_microseconds(200, [&] { CHECK(cudaGraphLaunch(one, on.lanes[0])); });
    CHECK(cudaStreamSynchronize(on.lanes[0]));
    report("CPU time of a launch", "%.2f us", launch);
    report("launch and wait", "%.2f us", host_microseconds(200, [&] {
             CHECK(cudaGraphLaunch(one, on.lanes[0]));
             CHECK(cudaStreamSynchronize(on.lanes[0]));
           }));
  });
  attempt("kernels without a graph", [&] {
    report("launch of a kernel", "%.2f us",
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
    report(
        "works",
        "11 nodes %.2f us; with the last ten nodes in a body %.2f us: the condition and its kernel cost %.2f "
        "us",
        bare, taken, taken - bare);
    report("a body that does not run", "%.2f us in total", graph_microseconds(on, without));
  });
}

void large_parameter() {
  const Streams on;
  constexpr int blocks = 8;
  Instructions instructions{};
  instructions.rounds = 64;
  for (unsigned i = 0; i < 64; ++i) {
    for (unsigned j = 0; j < 56; ++j) instructions.instructions[i].words[j] = 1000 * i + j;
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
      expect(got[i], 1000 * (63 * 64 / 2) + 64 * ((tile_threads - 1 - i % tile_threads) % 56));
    }
  };
  attempt("without a graph", [&] {
    launch(on.lanes[0]);
    verify();
    report("without a graph", "works, %.2f us",
           device_microseconds(on.lanes[0], 200, [&] { launch(on.lanes[0]); }));
  });
  attempt("in a graph", [&] {
    const cudaGraphExec_t graph = captured(on, [&] { launch(on.lanes[0]); });
    CHECK(cudaGraphLaunch(graph, on.lanes[0]));
    verify();
    report("in a graph", "works, %.2f us", graph_microseconds(on, graph));
  });
  attempt("in a conditional body", [&] {
    const cudaGraphExec_t graph = captured(on, [&] { if_flag(on, flag, [&] { launch(on.bodies[0]); }); });
    CHECK(cudaGraphLaunch(graph, on.lanes[0]));
    verify();
    report("in a conditional body", "works, %.2f us", graph_microseconds(on, graph));
  });
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
  report("ten nodes in one lane", "%.1f us", one);
  const auto verdict = [&](const char* where, double both) {
    report(where, "%.1f us: %s", both,
           both < 1.5 * one ? "they run at the same time" : "THEY RUN ONE AFTER THE OTHER");
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

}  // namespace probe
