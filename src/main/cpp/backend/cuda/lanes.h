// Which launches of a run may go beside each other. Gradients of weights are no longer needed by the rest of the backward
// pass, and small products leave most of a device idle: so they go to a second lane, beside the chain of Wᵀδ.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cuda/program.h"

namespace chainrule {
namespace cuda {

// Where a launch goes: it follows all that its lane has before it, and those launches of the other lane that it waits for.
struct LaneSlot {
  int32_t lane = 0;
  int32_t waits_for =
      -1;  // the last such launch, by place in the run; those before it on that lane are done then, too
};

// Those of the phases [first, last).
std::vector<const Launch*> launches_between(const std::vector<Launch>& launches, int32_t first, int32_t last);

// For launches that would run one after another in this order. A launch follows every earlier one that writes what it
// touches, or touches what it writes. The first lane has the longest chain of such dependencies, counted in launches.
std::vector<LaneSlot> assign_lanes(const std::vector<const Launch*>& launches);

}  // namespace cuda
}  // namespace chainrule
