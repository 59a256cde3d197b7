// A mutex for many readers or one writer. Neither readers nor writers starve: readers that wait when a writer unlocks
// get the lock before the next writer, and a waiting writer gets the lock before new readers. This matters because a
// trainer that steps without pause and predictors that never stop can share a model.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace chainrule {

class FairSharedMutex {
 public:
  void lock_shared() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (writing_ || waiting_writers_ > 0) {
      ++waiting_readers_;
      readers_wake_.wait(lock, [&] { return !writing_ && (waiting_writers_ == 0 || admitted_ > 0); });
      --waiting_readers_;
      if (admitted_ > 0) --admitted_;
    }
    ++readers_;
  }

  void unlock_shared() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (--readers_ == 0 && waiting_writers_ > 0) writers_wake_.notify_one();
  }

  void lock() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_writers_;
    writers_wake_.wait(lock, [&] { return !writing_ && readers_ == 0 && admitted_ == 0; });
    --waiting_writers_;
    writing_ = true;
  }

  void unlock() {
    std::lock_guard<std::mutex> lock(mutex_);
    writing_ = false;
    admitted_ = waiting_readers_;
    if (waiting_readers_ > 0) {
      readers_wake_.notify_all();
    } else if (waiting_writers_ > 0) {
      writers_wake_.notify_one();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable readers_wake_, writers_wake_;
  int32_t readers_ = 0, waiting_readers_ = 0, waiting_writers_ = 0;
  int32_t admitted_ = 0;  // waiting readers that get the lock before the next writer
  bool writing_ = false;
};

}  // namespace chainrule
