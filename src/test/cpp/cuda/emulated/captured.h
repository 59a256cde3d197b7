// Captured work in two lanes. Only waits define an order between the lanes.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "util/check.h"

namespace chainrule {
namespace cuda {

class Captured {
 public:
  void set_lane(int32_t lane) {
    if (lane == 1 && lanes_[1].empty()) begins_with_wait_ = false;
    lane_ = lane;
  }
  int32_t lane() const { return lane_; }

  void add(std::function<void()> work) {
    if (lane_ == 1 && !begins_with_wait_) throw Error("a lane begins without having waited for the other");
    lanes_[lane_].push_back({std::move(work), -1, 0});
  }

  // The end of the current lane: the position after all that it has.
  int64_t position() const { return static_cast<int64_t>(lanes_[lane_].size()); }

  // Adds a wait to the current lane for all that `lane` has before `position`.
  void wait(int32_t lane, int64_t position) {
    if (lane_ == 1 && lane == 0) begins_with_wait_ = true;
    lanes_[lane_].push_back({nullptr, lane, position});
    if (lane_ == 0 && lane == 1 && position > joined_) joined_ = position;
  }

  // Throws Error unless the first lane has waited for all that the second lane has.
  void require_joined() const {
    if (joined_ < static_cast<int64_t>(lanes_[1].size()))
      throw Error("capturing a graph: work on its second lane has not been waited for");
  }

  // Runs the second lane as early as its own waits allow, or as late as the waits of the first lane allow.
  void run(bool early) const {
    size_t done[2] = {0, 0};
    auto step = [&](int32_t lane, auto&& self) -> void {
      const Item& item = lanes_[lane][done[lane]++];
      if (item.work != nullptr) return item.work();
      while (done[item.lane] < static_cast<size_t>(item.position)) self(item.lane, self);
    };
    auto second_may_run = [&] {
      if (done[1] == lanes_[1].size()) return false;
      const Item& item = lanes_[1][done[1]];
      return item.work != nullptr || item.lane == 1 || done[0] >= static_cast<size_t>(item.position);
    };
    while (done[0] < lanes_[0].size()) {
      while (early && second_may_run()) step(1, step);
      step(0, step);
    }
  }

 private:
  struct Item {
    std::function<void()> work;  // If empty, the item is a wait until `lane` has reached `position`.
    int32_t lane;
    int64_t position;
  };

  std::vector<Item> lanes_[2];
  int32_t lane_ = 0;
  int64_t joined_ = 0;
  bool begins_with_wait_ = false;
};

}  // namespace cuda
}  // namespace chainrule
