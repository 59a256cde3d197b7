#include "backend/cuda/lanes.h"

#include <algorithm>

namespace chainrule {
namespace cuda {

namespace {

bool depends(const Launch& later, const Launch& earlier) {
  for (const Touch& now : later.touches) {
    for (const Touch& before : earlier.touches) {
      if ((now.writes || before.writes) && overlap(now.operand, before.operand)) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<const Launch*> launches_between(const std::vector<Launch>& launches, int32_t first,
                                            int32_t last) {
  std::vector<const Launch*> between;
  for (const Launch& launch : launches) {
    if (launch.phase >= first && launch.phase < last) between.push_back(&launch);
  }
  return between;
}

std::vector<LaneSlot> assign_lanes(const std::vector<const Launch*>& launches) {
  const size_t count = launches.size();
  std::vector<std::vector<size_t>> earlier(count);  // by launch: the earlier launches on which it depends
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (depends(*launches[i], *launches[j])) earlier[i].push_back(j);
    }
  }
  // height[i] is the length of the longest chain that begins at launch i; `longest` is the greatest height of later
  // launches.
  std::vector<int32_t> height(count, 1);
  std::vector<LaneSlot> slots(count);
  int32_t longest = 0;
  for (size_t i = count; i-- > 0;) {
    for (size_t j : earlier[i]) height[j] = std::max(height[j], height[i] + 1);
    slots[i].lane = longest >= height[i] ? 1 : 0;
    longest = std::max(longest, height[i]);
  }
  // A lane does not wait twice for the same launch.
  int32_t reached[2] = {-1, -1};  // by lane: the last launch of the other lane that it has waited for
  for (size_t i = 0; i < count; ++i) {
    LaneSlot& slot = slots[i];
    int32_t last = -1;
    for (size_t j : earlier[i]) {
      if (slots[j].lane != slot.lane) last = static_cast<int32_t>(j);
    }
    if (last <= reached[slot.lane]) continue;
    slot.waits_for = reached[slot.lane] = last;
  }
  return slots;
}

}  // namespace cuda
}  // namespace chainrule
