// The team: a pool of worker threads that run the tiles of a phase together with the calling thread.
//
// Each thread gets a contiguous run of tiles. A thread that has finished its run steals tiles from the runs of the
// other threads. The result of a tile does not depend on the thread that computes it, so bits do not depend on the
// number of threads. If the team is busy with another caller, the calling thread computes all its tiles alone. A worker
// spins for a moment after its last tile and then sleeps, so that an idle team uses no processor time.
//
// "Tile" here means a unit of work: the CPU engine passes its chunks (engine.cpp).
#pragma once

#include <cstdint>

namespace chainrule {

using TileFunction = void (*)(void* argument, int64_t tile);

// The largest number of threads that may be inside the BLAS at once, because OpenBLAS's buffer table has a fixed size.
// Also the largest size of the team.
constexpr int32_t max_threads = 64;

// Sets the number of threads, the caller included. It applies from the next phase on. Throws InvalidArgument unless
// 1 <= threads <= max_threads.
void set_team_threads(int32_t threads);
int32_t team_threads();

// Calls function(argument, tile) once for each tile in [0, tiles). Returns when all have finished. The function
// must not throw.
void team_run(int64_t tiles, TileFunction function, void* argument);

// A caller's permission to compute, held while it runs a program. At most max_threads threads compute at once, the
// team's workers included. The constructor waits until a slot is free.
class ComputeSlot {
 public:
  ComputeSlot();
  ~ComputeSlot();
  ComputeSlot(const ComputeSlot&) = delete;
  ComputeSlot& operator=(const ComputeSlot&) = delete;
};

}  // namespace chainrule
