#include "backend/cpu/team.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "util/check.h"

namespace chainrule {

namespace {

inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The processor this thread is on, or -1 where that cannot be known.
int current_cpu() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Longer than what one thread does alone between two phases, or a caller between two steps; much shorter than a
// scheduler's slice. By the clock: a pause instruction takes 40 cycles on one processor and 140 on another.
constexpr std::chrono::microseconds spin_time(50);

// Whether to go on spinning: reads the clock now and then.
class Spin {
 public:
  bool over() {
    pause_briefly();
    if (++count_ % 16 != 0) return false;
    const Clock::time_point now = Clock::now();
    if (count_ == 16) begin_ = now;
    return now - begin_ > spin_time;
  }
  void restart() { count_ = 0; }

 private:
  using Clock = std::chrono::steady_clock;
  uint32_t count_ = 0;
  Clock::time_point begin_;
};

// One thread's run of tiles. `ticket` is (job << 32) | next tile; a tile belongs to whoever moves the ticket on.
// The number of the job in the ticket makes a late worker's claim fail once the next job has begun.
struct alignas(64) Run {
  std::atomic<uint64_t> ticket{0};
  std::atomic<uint32_t> end{0};
};

class Team {
 public:
  explicit Team(int32_t threads) : runs_(new Run[static_cast<size_t>(threads)]), threads_(threads) {
    workers_.reserve(static_cast<size_t>(threads) - 1);
    for (int32_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  }

  ~Team() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      stopping_.store(true, std::memory_order_relaxed);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  int32_t threads() const { return threads_; }

  // Only one caller at a time: the owner of `busy` below.
  void run(int64_t tiles, TileFunction function, void* argument) {
    function_.store(function, std::memory_order_relaxed);
    argument_.store(argument, std::memory_order_relaxed);
    finished_.store(0, std::memory_order_relaxed);
    caller_cpu_.store(current_cpu(), std::memory_order_relaxed);
    const uint32_t job = job_.load(std::memory_order_relaxed) + 1;
    for (int32_t i = 0; i < threads_; ++i) {
      uint64_t begin =
          static_cast<uint64_t>(tiles) * static_cast<uint64_t>(i) / static_cast<uint64_t>(threads_);
      uint64_t end =
          static_cast<uint64_t>(tiles) * static_cast<uint64_t>(i + 1) / static_cast<uint64_t>(threads_);
      // A late worker that sees the new end must find the old ticket gone.
      runs_[i].ticket.store(uint64_t{job} << 32 | UINT32_MAX, std::memory_order_relaxed);
      runs_[i].end.store(static_cast<uint32_t>(end), std::memory_order_release);
      runs_[i].ticket.store(uint64_t{job} << 32 | begin, std::memory_order_release);
    }
    // Sequentially consistent with the worker's "I sleep, is there a job?": one of the two sees the other.
    job_.store(job, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    take_tiles(job, 0);
    // What is left is under way in workers: wait for it, giving the core away if one of them needs it.
    for (Spin spin; finished_.load(std::memory_order_acquire) < tiles;) {
      if (spin.over()) std::this_thread::yield();
    }
  }

 private:
  // Own run first, then the others'.
  void take_tiles(uint32_t job, int32_t self) {
    for (int32_t i = 0; i < threads_; ++i) {
      Run& run = runs_[(self + i) % threads_];
      uint64_t ticket = run.ticket.load(std::memory_order_acquire);
      for (;;) {
        if (static_cast<uint32_t>(ticket >> 32) != job) return;
        uint32_t tile = static_cast<uint32_t>(ticket);
        if (tile >= run.end.load(std::memory_order_acquire)) break;
        TileFunction function = function_.load(std::memory_order_relaxed);
        void* argument = argument_.load(std::memory_order_relaxed);
        if (run.ticket.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                             std::memory_order_acquire)) {
          function(argument, tile);
          finished_.fetch_add(1, std::memory_order_release);
          ticket = run.ticket.load(std::memory_order_acquire);
        }
      }
    }
  }

  // A worker that spins on the core of the thread it works for only holds it up; asleep, it is woken on an idle one.
  bool shares_the_callers_core() const {
    const int cpu = current_cpu();
    return cpu >= 0 && cpu == caller_cpu_.load(std::memory_order_relaxed);
  }

  void work(int32_t self) {
    uint32_t seen = 0;
    Spin spin;
    bool crowded = false;
    while (!stopping_.load(std::memory_order_relaxed)) {
      uint32_t job = job_.load(std::memory_order_acquire);
      if (job != seen) {
        seen = job;
        take_tiles(job, self);
        spin.restart();
        crowded = shares_the_callers_core();
      } else if (crowded || spin.over()) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] {
          return job_.load(std::memory_order_seq_cst) != seen || stopping_.load(std::memory_order_relaxed);
        });
        sleeping_.fetch_sub(1, std::memory_order_relaxed);
        spin.restart();
        crowded = false;
      }
    }
  }

  std::unique_ptr<Run[]> runs_;
  const int32_t threads_;
  alignas(64) std::atomic<uint32_t> job_{0};
  std::atomic<TileFunction> function_{nullptr};
  std::atomic<void*> argument_{nullptr};
  std::atomic<int> caller_cpu_{-1};
  alignas(64) std::atomic<int64_t> finished_{0};
  alignas(64) std::atomic<int32_t> sleeping_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
};

// The team and who uses it. Never destroyed: at exit of the process other threads may still be computing.
struct Holder {
  std::atomic<bool> busy{
      false};                  // owned by the caller whose phase the team runs, or by who replaces the team
  std::unique_ptr<Team> team;  // guarded by busy; made at the first phase that needs it
  std::atomic<int32_t> threads{1};
};

Holder& holder() {
  static Holder* instance = new Holder;
  return *instance;
}

struct Gate {
  std::mutex mutex;
  std::condition_variable freed;
  int32_t inside = 0;
};

Gate& gate() {
  static Gate* instance = new Gate;
  return *instance;
}

}  // namespace

void set_team_threads(int32_t threads) {
  REQUIRE(threads >= 1 && threads <= max_threads, "threads: expected a number from 1 to ", max_threads,
          ", but ", threads, " came");
  holder().threads.store(threads, std::memory_order_relaxed);
}

int32_t team_threads() { return holder().threads.load(std::memory_order_relaxed); }

void team_run(int64_t tiles, TileFunction function, void* argument) {
  Holder& held = holder();
  const int32_t threads = held.threads.load(std::memory_order_relaxed);
  bool alone = tiles < 2 || threads < 2 || tiles > INT32_MAX;
  if (!alone && !held.busy.exchange(true, std::memory_order_acquire)) {
    bool ready = held.team != nullptr && held.team->threads() == threads;
    if (!ready) {
      try {
        held.team.reset();
        held.team.reset(new Team(threads));
        ready = true;
      } catch (const std::exception&) {
        // No more threads to be had: the caller computes alone, with the same bits.
      }
    }
    if (ready) held.team->run(tiles, function, argument);
    held.busy.store(false, std::memory_order_release);
    if (ready) return;
  }
  for (int64_t tile = 0; tile < tiles; ++tile) function(argument, tile);
}

ComputeSlot::ComputeSlot() {
  Gate& held = gate();
  std::unique_lock<std::mutex> lock(held.mutex);
  held.freed.wait(lock, [&] {
    int32_t places = max_threads - (team_threads() - 1);
    return held.inside < (places < 1 ? 1 : places);
  });
  ++held.inside;
}

ComputeSlot::~ComputeSlot() {
  Gate& held = gate();
  {
    std::lock_guard<std::mutex> lock(held.mutex);
    --held.inside;
  }
  held.freed.notify_one();
}

}  // namespace chainrule
