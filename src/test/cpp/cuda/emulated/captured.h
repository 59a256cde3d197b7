// Captured work: two lanes, which only waits bring into an order.
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

  // A place on the lane: after all that it has.
  int64_t place() const { return static_cast<int64_t>(lanes_[lane_].size()); }

  void wait(int32_t lane, int64_t place) {
    if (lane_ == 1 && lane == 0) begins_with_wait_ = true;
    lanes_[lane_].push_back({nullptr, lane, place});
    if (lane_ == 0 && lane == 1 && place > joined_) joined_ = place;
  }

  void require_joined() const {
    if (joined_ < static_cast<int64_t>(lanes_[1].size()))
      throw Error("capturing a graph: work on its second lane has not been waited for");
  }

  // The second lane as early as its waits allow, or as late as the first one's do.
  void run(bool early) const {
    size_t done[2] = {0, 0};
    auto step = [&](int32_t lane, auto&& self) -> void {
      const Item& item = lanes_[lane][done[lane]++];
      if (item.work != nullptr) return item.work();
      while (done[item.lane] < static_cast<size_t>(item.place)) self(item.lane, self);
    };
    auto second_may_go = [&] {
      if (done[1] == lanes_[1].size()) return false;
      const Item& item = lanes_[1][done[1]];
      return item.work != nullptr || item.lane == 1 || done[0] >= static_cast<size_t>(item.place);
    };
    while (done[0] < lanes_[0].size()) {
      while (early && second_may_go()) step(1, step);
      step(0, step);
    }
  }

 private:
  struct Item {
    std::function<void()> work;  // none: a wait, until `lane` has done what it had at `place`
    int32_t lane;
    int64_t place;
  };

  std::vector<Item> lanes_[2];
  int32_t lane_ = 0;
  int64_t joined_ = 0;
  bool begins_with_wait_ = false;
};

}  // namespace cuda
}  // namespace chainrule
