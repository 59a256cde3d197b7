// Restores the team's number of threads at the end of its scope.
#pragma once

#include "backend/cpu/team.h"

namespace test {

struct TeamThreads {
  const int32_t before = chainrule::team_threads();

  TeamThreads() = default;
  explicit TeamThreads(int32_t threads) { chainrule::set_team_threads(threads); }
  TeamThreads(const TeamThreads&) = delete;
  TeamThreads& operator=(const TeamThreads&) = delete;
  ~TeamThreads() { chainrule::set_team_threads(before); }
};

}  // namespace test
