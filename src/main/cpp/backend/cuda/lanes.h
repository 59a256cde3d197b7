// Which launches of a run may overlap. A lane is one of two branches of a captured graph; the device may execute work
// of both at the same time. The rest of the backward pass does not need the gradients of the weights, and small
// products leave most of a device idle. So the gradients are computed on a second lane, which overlaps with the chain
// of Wᵀδ.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cuda/program.h"

namespace chainrule {
namespace cuda {

// The lane of a launch. The launch follows all earlier launches of its lane, and the launch of the other lane that it
// waits for.
struct LaneSlot {
  int32_t lane = 0;
  // The index, in the run, of the launch of the other lane. It has finished only after all earlier launches of its
  // lane. -1: none.
  int32_t waits_for = -1;
};

// Returns the launches of the phases [first, last).
std::vector<const Launch*> launches_between(const std::vector<Launch>& launches, int32_t first, int32_t last);

// Assigns lanes to launches that would otherwise run one after another in the given order. A launch depends on every
// earlier one that writes what it reads or writes, or that reads what it writes. Lane 0 contains the longest chain of
// such dependencies, counted in launches.
std::vector<LaneSlot> assign_lanes(const std::vector<const Launch*>& launches);

}  // namespace cuda
}  // namespace chainrule
