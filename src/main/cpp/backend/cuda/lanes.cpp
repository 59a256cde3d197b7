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
  std::vector<std::vector<size_t>> earlier(count);  // that each follows
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (depends(*launches[i], *launches[j])) earlier[i].push_back(j);
    }
  }
  // The launches that still follow in a chain, and the longest chain that begins at a later one.
  std::vector<int32_t> height(count, 1);
  std::vector<LaneSlot> turns(count);
  int32_t longest = 0;
  for (size_t i = count; i-- > 0;) {
    for (size_t j : earlier[i]) height[j] = std::max(height[j], height[i] + 1);
    turns[i].lane = longest >= height[i] ? 1 : 0;
    longest = std::max(longest, height[i]);
  }
  // A launch that the lane has already waited for needs no second wait.
  int32_t reached[2] = {-1, -1};  // by lane: the last launch of the other one that has been waited for
  for (size_t i = 0; i < count; ++i) {
    LaneSlot& turn = turns[i];
    int32_t last = -1;
    for (size_t j : earlier[i]) {
      if (turns[j].lane != turn.lane) last = static_cast<int32_t>(j);
    }
    if (last <= reached[turn.lane]) continue;
    turn.waits_for = reached[turn.lane] = last;
  }
  return turns;
}

}  // namespace cuda
}  // namespace chainrule
