// Training over a dataset: where its examples lie, their order, and the steps of an epoch, several of which may be under way
// at once.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>

#include "runtime/trainer.h"
#include "util/check.h"
#include "util/random.h"

namespace chainrule {

namespace {

// Shuffled examples lie anywhere in memory; so many are on their way while one is copied.
constexpr int64_t fetched_ahead = 8;

// The first lines of an example; the processor itself fetches the rest of a long one.
void fetch_ahead(const char* example, int64_t bytes) {
  for (int64_t line = 0; line < std::min<int64_t>(bytes, 512); line += 64) __builtin_prefetch(example + line);
}

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point then) {
  return std::chrono::duration<double, std::milli>(Clock::now() - then).count();
}

// A row of steps that takes longer than this keeps predictions waiting; one that is much shorter, the device.
constexpr double row_milliseconds = 8;
// So does the writing of an order during a row. One of more examples is written before its epoch.
constexpr int64_t most_written_meanwhile = 100000;

}  // namespace

void Trainer::bind(const Dataset& dataset, int64_t batch_size) {
  REQUIRE(batch_size > 0, "fit: expected a batch size of at least 1, but ", batch_size, " came");
  REQUIRE(progress_.position == 0 || dataset.examples() == progress_.examples,
          "fit: the running epoch goes over ", progress_.examples, " examples, but a dataset of ",
          dataset.examples(), " came");
  const Graph& graph = model_->graph();
  const Plan& needs = plan(Mode::train, 1);
  std::vector<const Column*> columns(columns_.size(), nullptr);
  for (size_t slot = 0; slot < columns.size(); ++slot) {
    if (!needs.reads_slot[slot]) continue;
    const int32_t id = graph.data_nodes()[slot];
    const Node& node = graph.node(id);
    const Column* column = dataset.find(node.name);
    REQUIRE(column != nullptr, "fit: the dataset has no column '", node.name, "' for ", graph.describe(id));
    const bool label = node.op == Op::label;
    REQUIRE(label == (column->type == ColumnType::label), "fit: column '", node.name, "' must hold ",
            label ? "class indices" : "values", " for ", graph.describe(id));
    REQUIRE(label || column->features == node.shape.rows, "fit: expected ", node.shape.rows,
            " features in column '", node.name, "' for ", graph.describe(id), ", but it has ",
            column->features);
    columns[slot] = column;
  }
  for (const LabelCheck& check : needs.labels) {
    check_labels("fit", graph, check,
                 reinterpret_cast<const int32_t*>(columns[static_cast<size_t>(check.slot)]->values.data()),
                 dataset.examples());
  }
  dataset_ = nullptr;  // none, if what follows fails
  if (resident_dataset_ != dataset.number()) resident_dataset_ = 0;
  batch_size_ = std::min(batch_size, dataset.examples());
  columns_ = std::move(columns);
  forget_orders();
  orders_[order_].examples.reserve(dataset.examples() * static_cast<int64_t>(sizeof(int64_t)));
  if (resident_dataset_ == 0) make_resident(dataset);
  dataset_ = &dataset;
}

// Columns cannot be added to a node that has one, so what is there once stays right.
void Trainer::make_resident(const Dataset& dataset) {
  Backend& backend = model_->backend();
  const int64_t order_bytes = dataset.examples() * static_cast<int64_t>(sizeof(int64_t));
  int64_t bytes = order_bytes;
  for (const Column* column : columns_) {
    if (column != nullptr) bytes += column->values.bytes();
  }
  resident_memory_.clear();
  resident_.assign(columns_.size(), {});
  if (bytes > backend.resident_bytes()) return;
  try {
    for (const Column* column : columns_) {
      resident_memory_.emplace_back(backend);
      if (column != nullptr) resident_memory_.back().reserve(column->values.bytes());
    }
    resident_order_.reserve(order_bytes);
  } catch (const Error&) {  // another has taken the memory meanwhile: then the data stream
    resident_memory_.clear();
    return;
  }
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    const Column* column = columns_[slot];
    if (column == nullptr) continue;
    char* const values = resident_memory_[slot].data();
    backend.copy_in(values, column->values.data(), column->values.bytes());
    resident_[slot] = {values, column->type, column->features};
  }
  resident_dataset_ = dataset.number();
}

void Trainer::shuffle(bool on, int64_t seed) {
  REQUIRE(progress_.position == 0, "shuffle: an epoch is running (", progress_.position, " of ",
          progress_.examples, " examples); its order cannot change");
  progress_.shuffle = on;
  progress_.shuffle_seed = seed;
  forget_orders();
}

// ---- the order of the examples

void Trainer::forget_orders() {
  for (Order& order : orders_) order.epoch = -1;
}

// The order of an epoch is a function of the seed and the epoch's number (R. Fisher, F. Yates, 1938; R. Durstenfeld,
// 1964), so that resuming needs no list, and every device takes the same.
void Trainer::write_order(int64_t epoch, Order* to) {
  const int64_t examples = dataset_->examples();
  to->examples.reserve(examples * static_cast<int64_t>(sizeof(int64_t)));
  int64_t* order = reinterpret_cast<int64_t*>(to->examples.data());
  for (int64_t i = 0; i < examples; ++i) order[i] = i;
  for (int64_t i = examples - 1; progress_.shuffle && i > 0; --i) {
    const uint64_t j =
        random_below(static_cast<uint64_t>(progress_.shuffle_seed), static_cast<uint64_t>(epoch),
                     static_cast<uint64_t>(i), static_cast<uint64_t>(i) + 1);
    std::swap(order[i], order[j]);
  }
  to->epoch = epoch;
}

// Feed::meanwhile may have written it.
void Trainer::prepare_order() {
  const int64_t epoch = progress_.epoch;
  if (orders_[order_].epoch == epoch) return;
  if (orders_[1 - order_].epoch == epoch) {
    order_ = 1 - order_;
  } else {
    write_order(epoch, &orders_[order_]);
  }
  if (resident_dataset_ == 0) return;
  try {
    model_->backend().copy_in(resident_order_.data(), order(),
                              dataset_->examples() * static_cast<int64_t>(sizeof(int64_t)));
  } catch (...) {
    forget_orders();  // or the next call would go on with the epoch before's
    throw;
  }
}

void Trainer::gather(int64_t batch, int64_t position, Inputs* into) {
  const int64_t* order = this->order() + position;
  for (int32_t slot = 0; slot < into->slots(); ++slot) {
    const Column* column = columns_[static_cast<size_t>(slot)];
    if (column == nullptr) continue;
    char* to = into->reserve(slot, batch);
    const char* from = column->values.data();
    const int64_t row = column->row_bytes(), sample = into->sample_bytes(slot);
    for (int64_t i = 0; i < batch; ++i) {
      const char* example = from + order[i] * row;
      if (i + fetched_ahead < batch) fetch_ahead(from + order[i + fetched_ahead] * row, row);
      if (row == sample) {
        std::memcpy(to + i * sample, example, static_cast<size_t>(sample));
      } else if (column->type == ColumnType::float32) {
        convert(reinterpret_cast<double*>(to + i * sample), reinterpret_cast<const float*>(example),
                column->features);
      } else {
        convert(reinterpret_cast<float*>(to + i * sample), reinterpret_cast<const double*>(example),
                column->features);
      }
    }
  }
}

// ---- steps

// Gathers the batches of steps that follow each other, in two sets of memory by turns.
class Trainer::Feed final : public StepInputs {
 public:
  Feed(Trainer& trainer, const Plan& plan, bool ends_epoch)
      : trainer_(trainer), plan_(plan), ends_epoch_(ends_epoch) {}

  // The first batch may be gathered before its step begins.
  void prepare(int32_t step) {
    const int64_t batch = plan_.program.batch;
    trainer_.gather(batch, trainer_.progress_.position + step * batch, &set(step));
    set(step).check("training step", plan_, batch);
    prepared_ = step;
  }

  void* const* bring(int32_t step) override {
    if (step != prepared_) prepare(step);
    return set(step).at(0);
  }

  void meanwhile() override {
    if (ends_epoch_ && trainer_.progress_.examples <= most_written_meanwhile)
      trainer_.write_order(trainer_.progress_.epoch + 1, &trainer_.orders_[1 - trainer_.order_]);
  }

 private:
  Inputs& set(int32_t step) { return step % 2 == 0 ? trainer_.inputs_ : trainer_.second_inputs_; }

  Trainer& trainer_;
  const Plan& plan_;
  const bool ends_epoch_;
  int32_t prepared_ = -1;
};

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

// As many of `count` as have a finite loss; the first that has not is refused, as a single step would be. Returns for how
// long predictions had to wait, in milliseconds.
double Trainer::run_row(int32_t count, int64_t batch) {
  const bool resident = resident_dataset_ != 0;
  const Plan& plan = this->plan(Mode::train, batch);
  Feed feed(*this, plan, progress_.position + count * batch == progress_.examples);
  if (!resident) feed.prepare(0);  // while predictions may still go on
  std::unique_lock<ReaderWriterGate> writing(model_->gate());
  const Clock::time_point begin = Clock::now();
  arena_.reserve(plan.program.arena_bytes);
  Context context = this->context();
  if (resident) {
    context.columns = resident_.data();
    context.order = reinterpret_cast<const int64_t*>(resident_order_.data());
  }
  row_numbers_.resize(static_cast<size_t>(count));
  row_losses_.resize(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    const UpdateScalars scalars = update_scalars(progress_.steps + i);
    StepNumbers& numbers = row_numbers_[static_cast<size_t>(i)];
    numbers.correction1 = scalars.correction1;
    numbers.correction2 = scalars.correction2;
    numbers.position = progress_.position + i * batch;
    numbers.step = progress_.steps + i;
  }
  int32_t made = 0;
  std::exception_ptr problem;
  try {
    model_->backend().run_steps(plan.program, context, row_numbers_.data(), count, &feed, row_losses_.data(),
                                &made);
  } catch (...) {
    problem = std::current_exception();  // the steps that were made still count
  }
  for (int32_t i = 0; i < made; ++i) count_step(row_losses_[static_cast<size_t>(i)], batch);
  if (problem != nullptr) std::rethrow_exception(problem);
  if (made < count) refuse("training step", row_losses_[static_cast<size_t>(made)]);
  return milliseconds_since(begin);
}

int64_t Trainer::fit(int64_t max_steps, int64_t epochs, double max_milliseconds) {
  REQUIRE(dataset_ != nullptr, "fit: no dataset is bound");
  const Clock::time_point start = Clock::now();
  const int64_t most = model_->backend().most_steps();
  // where data stream, a step's come while the one before computes
  const int64_t least = resident_dataset_ == 0 ? std::min<int64_t>(2, most) : 1;
  int64_t done = 0;
  while (done < max_steps && progress_.epoch < epochs) {
    prepare_order();
    progress_.examples = dataset_->examples();
    const int64_t left = progress_.examples - progress_.position, batch = std::min(batch_size_, left);
    batch_examples_ = order() + progress_.position;
    if (checking_) {
      gather(batch, progress_.position, &inputs_);
      count_step(checked_update(batch, nullptr), batch);
      ++done;
    } else {
      row_ = std::max(row_, least);
      const int64_t count = std::min({max_steps - done, left / batch, row_});
      const double took = run_row(static_cast<int32_t>(count), batch);
      done += count;
      if (took > row_milliseconds) row_ = std::max<int64_t>(1, row_ / 2);
      if (count == row_ && took < row_milliseconds / 4) row_ = std::min(2 * row_, most);
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
