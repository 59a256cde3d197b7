// What tests may ask of the emulated device.
#pragma once

#include <cstdint>

namespace test {

// Runs the threads of a block from the last to the first between two barriers. Nothing may depend on their order.
void emulate_backwards(bool backwards);

// Lets queues that only copy run as soon as they are given something, and the second lane of a graph as soon as its waits
// allow. Otherwise all run as late as they may.
void emulate_early(bool early);

// Device memory that is held, that pools keep unused, and how much the device has in all; blocks that the device was
// asked for so far, and not a pool.
int64_t emulated_bytes();
int64_t emulated_unused_bytes();
int64_t emulated_blocks_asked();
int64_t emulated_pinned_bytes();
int64_t emulated_pinned_blocks_asked();
void limit_emulated_bytes(int64_t bytes);

// What becomes of a kernel's parameter beyond 4 KiB in the conditional part of a graph: it arrives, the call is refused, the
// rest of it is lost, or all.
enum class LargeParameters { arrive, refused, cut_off, lost };
void emulate_large_parameters(LargeParameters how);

// The launch after so many more fails. Work that was given to queues and has not been done.
void fail_emulated_launch(int64_t after);
int64_t emulated_work_waiting();

// Launches of graphs and of single kernels, and how often the processor waited for a queue, since the last call.
struct EmulatedLaunches {
  int64_t graphs, kernels, waits;
};
EmulatedLaunches take_emulated_launches();

// Events take their times from a clock that only what runs on the device moves: so much, or a microsecond for a kernel.
void spend_emulated_seconds(double seconds);

// The algorithms that a product with so many columns has, how long one of them takes, and how many products have run
// since the last call.
int32_t emulated_algorithms(int64_t columns);
double emulated_seconds(int64_t columns, int32_t algorithm);
int64_t take_emulated_product_runs();

}  // namespace test
