// Functions with which tests control and observe the emulated device.
#pragma once

#include <cstdint>

namespace test {

// Sets whether the threads of a block run from the last to the first between two barriers. No result may depend on it.
void emulate_backwards(bool backwards);

// Sets whether queues that only copy run their work at once, and the second lane of a graph as soon as its waits allow.
// Otherwise all work runs as late as possible.
void emulate_early(bool early);

// Device memory in use, and unused memory that pools keep, in bytes.
int64_t emulated_bytes();
int64_t emulated_unused_bytes();
// The number of blocks allocated from the device so far. Blocks that a pool reuses do not count.
int64_t emulated_allocations();
// Pinned memory in use in bytes, and the number of pinned blocks allocated so far.
int64_t emulated_pinned_bytes();
int64_t emulated_pinned_allocations();
// Sets how much memory the device has in total.
void limit_emulated_bytes(int64_t bytes);

// What happens to a kernel parameter of more than 4 KiB in the conditional part of a graph: it arrives, the launch is
// refused, all beyond 4 KiB is lost, or the whole parameter is lost.
enum class LargeParameters { arrive, refused, cut_off, lost };
void emulate_large_parameters(LargeParameters how);

// Makes the launch after the next `after` launches fail; -1: none.
void fail_emulated_launch(int64_t after);
// The amount of work that was submitted to queues and has not run yet.
int64_t emulated_work_waiting();

// The launches of graphs and of single kernels, and how often the host waited for a queue. take_emulated_launches()
// returns the counts since its last call.
struct EmulatedLaunches {
  int64_t graphs, kernels, waits;
};
EmulatedLaunches take_emulated_launches();

// Advances the clock that events read. Only work on the device advances it: a kernel by a microsecond.
void spend_emulated_seconds(double seconds);

// The number of algorithms of a product with `columns` columns, and how long one of them takes.
int32_t emulated_algorithms(int64_t columns);
double emulated_seconds(int64_t columns, int32_t algorithm);
// Returns how many products have run since the last call.
int64_t take_emulated_product_runs();

}  // namespace test
