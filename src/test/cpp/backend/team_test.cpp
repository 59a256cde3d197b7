// Tests that the team computes each tile exactly once, also with several callers and while the number of threads
// changes. The names begin with "thread" because the run with the thread sanitizer selects tests by that word.
#include <atomic>
#include <thread>
#include <vector>

#include "harness.h"
#include "team_threads.h"

using namespace chainrule;

namespace {

struct Counts {
  explicit Counts(int64_t tiles) : by_tile(static_cast<size_t>(tiles)) {}
  std::vector<std::atomic<int>> by_tile;

  bool each_once() const {
    for (const std::atomic<int>& count : by_tile) {
      if (count.load() != 1) return false;
    }
    return true;
  }
};

void count(void* argument, int64_t tile) {
  static_cast<Counts*>(argument)->by_tile[static_cast<size_t>(tile)].fetch_add(1, std::memory_order_relaxed);
}

bool runs_each_tile_once(int64_t tiles) {
  Counts counts(tiles);
  team_run(tiles, count, &counts);
  return counts.each_once();
}

}  // namespace

TEST(threads_run_each_tile_once) {
  const test::TeamThreads keep;
  for (int32_t threads = 1; threads <= 8; ++threads) {
    set_team_threads(threads);
    for (int64_t tiles : {1, 2, 3, 7, 8, 16, 64, 1000}) {
      for (int i = 0; i < 50; ++i) CHECK(runs_each_tile_once(tiles));
    }
  }
}

TEST(threads_run_the_tiles_of_many_callers) {
  const test::TeamThreads keep;
  set_team_threads(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 500; ++j) wrong += runs_each_tile_once(1 + j % 40) ? 0 : 1;
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST(threads_can_be_changed_while_tiles_run) {
  const test::TeamThreads keep;
  std::atomic<int> wrong{0};
  std::atomic<bool> done{false};
  std::thread caller([&] {
    while (!done) wrong += runs_each_tile_once(20) ? 0 : 1;
  });
  for (int i = 0; i < 60; ++i) {
    set_team_threads(1 + i % 5);
    wrong += runs_each_tile_once(33) ? 0 : 1;
  }
  done = true;
  caller.join();
  CHECK(wrong == 0);
}

TEST(threads_refuse_a_wrong_number) {
  CHECK_THROWS(set_team_threads(0), "threads: expected from 1 to 64 threads, but got 0");
  CHECK_THROWS(set_team_threads(65), "but got 65");
}

TEST(threads_wait_for_a_slot) {
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 200; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        ComputeSlot slot;
        const int now = ++inside;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(most <= max_threads);
}
