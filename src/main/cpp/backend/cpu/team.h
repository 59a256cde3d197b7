// The team: the process's own threads, which run the tiles of a phase together with the thread that called.
//
// Tiles are dealt out in runs, one run a thread, and a thread that has finished its run takes tiles from the others'.
// Which thread computes a tile never changes what is computed, so bits do not depend on the number of threads.
// If the team is busy with another caller, the caller runs all its tiles itself. A worker spins for a moment after
// its last tile and then sleeps, so that an idle team costs nothing and a busy core beside it little.
#pragma once

#include <cstdint>

namespace chainrule {

using TileFunction = void (*)(void* argument, int64_t tile);

// Threads that may be inside the BLAS at once (its buffer table is fixed).
constexpr int32_t max_threads = 64;

// The number of threads, callers included, from the next phase on. Throws InvalidArgument unless 1 <= threads <= 64.
void set_team_threads(int32_t threads);
int32_t team_threads();

// Calls function(argument, tile) once for each tile in [0, tiles). Returns when all have finished. The function
// must not throw.
void team_run(int64_t tiles, TileFunction function, void* argument);

// A caller's place inside the engine. At most max_threads threads compute at once, the team's workers included;
// others wait here for their turn.
class ComputeSlot {
 public:
  ComputeSlot();
  ~ComputeSlot();
  ComputeSlot(const ComputeSlot&) = delete;
  ComputeSlot& operator=(const ComputeSlot&) = delete;
};

}  // namespace chainrule
