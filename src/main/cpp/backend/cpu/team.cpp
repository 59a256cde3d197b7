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

// Returns the number of the core on which this thread runs, or -1 if the system does not report it.
int current_cpu() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// How long a waiting thread spins. It is longer than one thread's work between two phases or a caller's work between
// two steps, and much shorter than a time slice of the scheduler. It is measured by the clock, because a pause
// instruction takes 40 cycles on one processor and 140 on another.
constexpr std::chrono::microseconds spin_time(50);

// Measures the time of a spin loop.
class Spin {
 public:
  // Pauses briefly and returns true once spin_time has passed. Reads the clock only on every 16th call.
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

// One thread's run of tiles. `ticket` is (job << 32) | next tile. A thread claims a tile by incrementing the ticket.
// The ticket contains the number of the job, so that the claim of a late worker fails once the next job has begun.
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

  // Not thread-safe: only the caller that owns Holder::busy may call it.
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
      // The ticket is replaced before the end: a late worker that reads the new end must not find the old ticket.
      runs_[i].ticket.store(uint64_t{job} << 32 | UINT32_MAX, std::memory_order_relaxed);
      runs_[i].end.store(static_cast<uint32_t>(end), std::memory_order_release);
      runs_[i].ticket.store(uint64_t{job} << 32 | begin, std::memory_order_release);
    }
    // Sequentially consistent. A worker increments sleeping_ and then reads job_; here job_ is written and then
    // sleeping_ is read. So the worker sees the job, or this thread sees the sleeping worker.
    job_.store(job, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    take_tiles(job, 0);
    // The remaining tiles are being computed by workers. Wait for them, and yield if a worker may need this core.
    for (Spin spin; finished_.load(std::memory_order_acquire) < tiles;) {
      if (spin.over()) std::this_thread::yield();
    }
  }

 private:
  // Computes the tiles of this thread's own run first, then those of the other threads' runs.
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

  // A worker that spins on the caller's core only delays the caller. If it sleeps, the scheduler wakes it on an idle
  // core.
  bool shares_the_callers_core() const {
    const int cpu = current_cpu();
    return cpu >= 0 && cpu == caller_cpu_.load(std::memory_order_relaxed);
  }

  void work(int32_t self) {
    uint32_t seen = 0;
    Spin spin;
    bool on_callers_core = false;
    while (!stopping_.load(std::memory_order_relaxed)) {
      uint32_t job = job_.load(std::memory_order_acquire);
      if (job != seen) {
        seen = job;
        take_tiles(job, self);
        spin.restart();
        on_callers_core = shares_the_callers_core();
      } else if (on_callers_core || spin.over()) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] {
          return job_.load(std::memory_order_seq_cst) != seen || stopping_.load(std::memory_order_relaxed);
        });
        sleeping_.fetch_sub(1, std::memory_order_relaxed);
        spin.restart();
        on_callers_core = false;
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

// The process's team. Never destroyed, because other threads may still be computing when the process exits.
struct Holder {
  // A try-lock. The caller that set it runs a phase on the team or replaces the team.
  std::atomic<bool> busy{false};
  std::unique_ptr<Team> team;  // guarded by busy; created at the first phase that needs it
  std::atomic<int32_t> threads{1};
};

Holder& holder() {
  static Holder* instance = new Holder;
  return *instance;
}

// Counts the callers that hold a ComputeSlot.
struct SlotCount {
  std::mutex mutex;
  std::condition_variable freed;
  int32_t used = 0;
};

SlotCount& slots() {
  static SlotCount* instance = new SlotCount;
  return *instance;
}

}  // namespace

void set_team_threads(int32_t threads) {
  REQUIRE(threads >= 1 && threads <= max_threads, "threads: expected from 1 to ", max_threads, " threads",
          ", but got ", threads);
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
        // The system cannot create the threads. The caller computes alone, with the same bits.
      }
    }
    if (ready) held.team->run(tiles, function, argument);
    held.busy.store(false, std::memory_order_release);
    if (ready) return;
  }
  for (int64_t tile = 0; tile < tiles; ++tile) function(argument, tile);
}

ComputeSlot::ComputeSlot() {
  SlotCount& all = slots();
  std::unique_lock<std::mutex> lock(all.mutex);
  all.freed.wait(lock, [&] {
    int32_t limit = max_threads - (team_threads() - 1);
    return all.used < (limit < 1 ? 1 : limit);
  });
  ++all.used;
}

ComputeSlot::~ComputeSlot() {
  SlotCount& all = slots();
  {
    std::lock_guard<std::mutex> lock(all.mutex);
    --all.used;
  }
  all.freed.notify_one();
}

}  // namespace chainrule
