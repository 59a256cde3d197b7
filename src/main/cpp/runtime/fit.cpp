// Training over a data set. The steps of an epoch run in bursts; the losses of a burst are read together.
#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>

#include "runtime/trainer.h"
#include "util/check.h"

namespace chainrule {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
}

}  // namespace

void Trainer::bind(const Dataset& dataset, int64_t batch_size) {
  REQUIRE(batch_size > 0, "fit: expected a batch size of at least 1, but got ", batch_size);
  REQUIRE(progress_.position == 0 || dataset.examples() == progress_.examples,
          "fit: the running epoch needs a dataset of ", progress_.examples, " examples, but got ",
          dataset.examples());
  feed_.bind(dataset, plan(Mode::train, 1));
  batch_size_ = std::min(batch_size, dataset.examples());
}

void Trainer::shuffle(bool on, int64_t seed) {
  REQUIRE(progress_.position == 0, "shuffle: an epoch is running (", progress_.position, " of ",
          progress_.examples, " examples); its order cannot change");
  progress_.shuffle = on;
  progress_.shuffle_seed = seed;
}

void Trainer::count_step(double loss, int64_t batch) {
  ++progress_.steps;
  progress_.last_loss = loss;
  progress_.running_sum += loss * static_cast<double>(batch);
  progress_.position += batch;
  if (progress_.position < progress_.examples) return;
  progress_.epoch_loss = progress_.running_sum / static_cast<double>(progress_.examples);
  progress_.running_sum = 0;
  progress_.position = 0;
  ++progress_.epoch;
}

// Runs up to `count` steps. Stops before the first step whose loss is not finite and throws as a single step does.
// Returns the time, in milliseconds, during which predictions were blocked.
double Trainer::run_burst(int32_t count, int64_t batch) {
  const Plan& plan = this->plan(Mode::train, batch);
  DatasetFeed::Burst burst(feed_, plan, progress_.position, count);
  if (!feed_.resident()) burst.prepare(0);  // predictions are not blocked yet
  std::unique_lock<FairSharedMutex> writing(model_->mutex());
  const Clock::time_point begin = Clock::now();
  arena_.reserve(plan.program.arena_bytes);
  Context context = this->context();
  if (feed_.resident()) feed_.use_resident(&context);
  burst_numbers_.resize(static_cast<size_t>(count));
  burst_losses_.resize(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    const int64_t step = progress_.steps + i;
    burst_numbers_[static_cast<size_t>(i)] =
        StepNumbers::of(update_scalars(optimizer_, step + 1), progress_.position + i * batch, step, 0);
  }
  int32_t completed = 0;
  std::exception_ptr problem;
  try {
    model_->backend().run_steps(plan.program, context, burst_numbers_.data(), count, &burst,
                                burst_losses_.data(), &completed);
  } catch (...) {
    problem = std::current_exception();  // the steps that were done still count
  }
  for (int32_t i = 0; i < completed; ++i) count_step(burst_losses_[static_cast<size_t>(i)], batch);
  if (problem != nullptr) std::rethrow_exception(problem);
  if (completed < count) {
    feed_.gather(progress_.position, batch);
    batch_examples_ = feed_.order() + progress_.position;
    refuse("training step", burst_losses_[static_cast<size_t>(completed)], plan, batch);
  }
  return milliseconds_since(begin);
}

int64_t Trainer::fit(int64_t max_steps, int64_t epochs, double max_milliseconds) {
  REQUIRE(feed_.bound(), "fit: no dataset is bound");
  const Clock::time_point start = Clock::now();
  int64_t done = 0;
  while (done < max_steps && progress_.epoch < epochs) {
    feed_.prepare_order({progress_.shuffle, progress_.shuffle_seed, progress_.epoch});
    progress_.examples = feed_.examples();
    const int64_t left = progress_.examples - progress_.position, batch = std::min(batch_size_, left);
    batch_examples_ = feed_.order() + progress_.position;
    if (checking_) {
      feed_.gather(progress_.position, batch);
      count_step(checked_update(batch, nullptr), batch);
      ++done;
    } else {
      const int64_t count = std::min({max_steps - done, left / batch, feed_.burst_length()});
      feed_.burst_took(count, run_burst(static_cast<int32_t>(count), batch));
      done += count;
    }
    if (milliseconds_since(start) >= max_milliseconds) break;
  }
  return done;
}

double Trainer::running_loss() const {
  return progress_.position == 0 ? progress_.epoch_loss
                                 : progress_.running_sum / static_cast<double>(progress_.position);
}

}  // namespace chainrule
