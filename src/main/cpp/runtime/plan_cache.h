// A cache of plans by batch size. It keeps the max_plans most recently used plans.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "plan/plan.h"

namespace chainrule {

class PlanCache {
 public:
  // Returns the plan for `batch`. Calls `make` if the plan is not in the cache. Not thread-safe.
  template <class Make>
  const std::shared_ptr<const Plan>& get(int64_t batch, Make&& make) {
    auto found = std::find_if(plans_.begin(), plans_.end(),
                              [&](const auto& plan) { return plan->program.batch == batch; });
    if (found != plans_.end()) {
      std::rotate(plans_.begin(), found, found + 1);
      return plans_.front();
    }
    auto made = std::make_shared<const Plan>(make());
    if (plans_.size() >= max_plans) plans_.pop_back();
    plans_.insert(plans_.begin(), std::move(made));
    return plans_.front();
  }

 private:
  static constexpr size_t max_plans = 8;
  std::vector<std::shared_ptr<const Plan>> plans_;  // the most recently used plan is first
};

}  // namespace chainrule
