#include "runtime/dataset_feed.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "util/check.h"
#include "util/held.h"
#include "util/random.h"

namespace chainrule {

namespace {

// Shuffled examples are scattered over the memory. While an example is copied, the example this many positions later is
// prefetched.
constexpr int64_t prefetched_examples = 8;

// Prefetches the first cache lines of an example. The CPU itself prefetches the rest of a long example.
void prefetch(const char* example, int64_t bytes) {
  for (int64_t line = 0; line < std::min<int64_t>(bytes, 512); line += 64) __builtin_prefetch(example + line);
}

// The largest desired time of a burst. A longer burst delays predictions; a much shorter burst leaves the device idle
// between bursts.
constexpr double burst_milliseconds = 8;
// Writing the order of the next epoch during a burst also delays predictions. With more examples than this, the order
// is written after the burst, when its epoch begins.
constexpr int64_t max_order_in_burst = 100000;

int64_t order_bytes(int64_t examples) { return examples * static_cast<int64_t>(sizeof(int64_t)); }

// Throws InvalidArgument if a double is outside the range of a float and the model is of floats.
void require_numbers(const Column& column, const Node& node, const std::string& what, DType dtype,
                     int64_t examples) {
  if (column.type != ColumnType::float64 || dtype == DType::float64) return;
  const double* values = reinterpret_cast<const double*>(column.values.data());
  for (int64_t i = 0; i < examples * column.features; ++i) {
    REQUIRE(holds(values[i], dtype), "fit: column '", node.name, "' for ", what,
            ": expected values that fit into a float, but got ", values[i], " in example ",
            i / column.features, ", feature ", i % column.features,
            "; use a model of doubles or smaller numbers");
  }
}

}  // namespace

DatasetFeed::DatasetFeed(std::shared_ptr<const Model> model, Inputs& inputs)
    : model_(std::move(model)),
      inputs_(inputs),
      second_inputs_(model_),
      columns_(static_cast<size_t>(inputs.slots()), nullptr),
      orders_{Order(model_->backend()), Order(model_->backend())},
      resident_order_(model_->backend()) {}

void DatasetFeed::bind(const Dataset& dataset, const Plan& plan) {
  const Graph& graph = model_->graph();
  std::vector<const Column*> columns(columns_.size(), nullptr);
  for (size_t slot = 0; slot < columns.size(); ++slot) {
    if (!plan.reads_slot[slot]) continue;
    const int32_t id = graph.data_nodes()[slot];
    const Node& node = graph.node(id);
    const Column* column = dataset.find(node.name);
    REQUIRE(column != nullptr, "fit: the dataset has no column '", node.name, "' for ", graph.describe(id));
    const bool label = node.op == Op::label;
    REQUIRE(label == (column->type == ColumnType::label), "fit: expected ",
            label ? "class indices (int[])" : "values (float[] or double[])", " in column '", node.name,
            "' for ", graph.describe(id), ", but got ", label ? "values" : "class indices");
    REQUIRE(label || column->features == node.shape.rows, "fit: expected ", node.shape.rows,
            " features in column '", node.name, "' for ", graph.describe(id), ", but got ", column->features);
    require_numbers(*column, node, graph.describe(id), model_->dtype(), dataset.examples());
    columns[slot] = column;
  }
  for (const DataCheck& check : plan.checks) {
    const Column& column = *columns[static_cast<size_t>(check.slot)];
    const DType dtype = column.type == ColumnType::float64 ? DType::float64 : DType::float32;
    check_data("fit", graph, check, dtype, column.values.data(), dataset.examples());
  }
  dataset_ = nullptr;  // nothing is bound if a call below throws
  if (resident_dataset_ != dataset.number()) resident_dataset_ = 0;
  columns_ = std::move(columns);
  invalidate_orders();
  orders_[current_].examples.reserve(order_bytes(dataset.examples()));
  if (!resident()) make_resident(dataset);
  dataset_ = &dataset;
}

int64_t DatasetFeed::dataset_bytes() const {
  int64_t sum = (dataset_ == nullptr ? 0 : dataset_->bytes()) + resident_order_.bytes();
  for (const Order& order : orders_) sum += order.examples.bytes();
  for (const MemoryBlock& block : resident_memory_) sum += block.bytes();
  return sum;
}

// ---- residency

// Copies the columns to the engine's memory if they fit. The copy stays valid, because columns never change once they
// are filled.
void DatasetFeed::make_resident(const Dataset& dataset) {
  Backend& backend = model_->backend();
  int64_t bytes = order_bytes(dataset.examples());
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
    resident_order_.reserve(order_bytes(dataset.examples()));
  } catch (const Error&) {
    // Other code has allocated the memory in the meantime. Batches are copied instead.
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

void DatasetFeed::use_resident(Context* context) const {
  context->columns = resident_.data();
  context->order = reinterpret_cast<const int64_t*>(resident_order_.data());
}

// ---- the order of the examples

void DatasetFeed::invalidate_orders() {
  for (Order& order : orders_) order.written = false;
}

// The order of an epoch is a function of the seed and of the number of the epoch, so that resuming needs no stored
// order and every device uses the same one. The shuffle is that of R. Fisher and F. Yates (1938) in the form of R.
// Durstenfeld (1964).
void DatasetFeed::write_order(const EpochOrder& order, Order* to) const {
  const int64_t examples = dataset_->examples();
  to->examples.reserve(order_bytes(examples));
  int64_t* list = reinterpret_cast<int64_t*>(to->examples.data());
  for (int64_t i = 0; i < examples; ++i) list[i] = i;
  for (int64_t i = examples - 1; order.shuffle && i > 0; --i) {
    const uint64_t j = random_below(static_cast<uint64_t>(order.seed), static_cast<uint64_t>(order.epoch),
                                    static_cast<uint64_t>(i), static_cast<uint64_t>(i) + 1);
    std::swap(list[i], list[j]);
  }
  to->of = order;
  to->written = true;
}

// The order may already be in the other buffer: Burst::while_computing writes it there.
void DatasetFeed::prepare_order(const EpochOrder& order) {
  if (orders_[current_].is(order)) return;
  if (orders_[1 - current_].is(order)) {
    current_ = 1 - current_;
  } else {
    write_order(order, &orders_[current_]);
  }
  if (!resident()) return;
  try {
    model_->backend().copy_in(resident_order_.data(), this->order(), order_bytes(dataset_->examples()));
  } catch (...) {
    invalidate_orders();  // otherwise the next call would use the order of the previous epoch
    throw;
  }
}

void DatasetFeed::gather(int64_t position, int64_t batch, Inputs* into) const {
  const int64_t* order = this->order() + position;
  for (int32_t slot = 0; slot < into->slots(); ++slot) {
    const Column* column = columns_[static_cast<size_t>(slot)];
    if (column == nullptr) continue;
    char* to = into->reserve(slot, batch);
    const char* from = column->values.data();
    const int64_t row = column->row_bytes(), sample = into->sample_bytes(slot);
    for (int64_t i = 0; i < batch; ++i) {
      const char* example = from + order[i] * row;
      if (i + prefetched_examples < batch) prefetch(from + order[i + prefetched_examples] * row, row);
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

// ---- bursts

int64_t DatasetFeed::burst_length() {
  const int64_t least = resident() ? 1 : std::min<int64_t>(2, model_->backend().max_burst());
  burst_length_ = std::max(burst_length_, least);
  return burst_length_;
}

void DatasetFeed::burst_took(int64_t steps, double milliseconds) {
  const bool full = steps == burst_length_;
  if (milliseconds > burst_milliseconds) {
    burst_length_ = std::max<int64_t>(1, burst_length_ / 2);
  } else if (full && milliseconds < burst_milliseconds / 4) {
    burst_length_ = std::min<int64_t>(2 * burst_length_, model_->backend().max_burst());
  }
}

DatasetFeed::Burst::Burst(DatasetFeed& feed, const Plan& plan, int64_t position, int64_t steps)
    : feed_(feed),
      plan_(plan),
      position_(position),
      ends_epoch_(position + steps * plan.program.batch == feed.examples()) {}

void DatasetFeed::Burst::prepare(int32_t step) {
  const int64_t batch = plan_.program.batch;
  feed_.gather(position_ + step * batch, batch, &inputs(step));
  inputs(step).check("training step", plan_, batch);
  prepared_ = step;
}

void* const* DatasetFeed::Burst::addresses(int32_t step) {
  if (step != prepared_) prepare(step);
  return inputs(step).at(0);
}

void DatasetFeed::Burst::while_computing() {
  if (!ends_epoch_ || feed_.examples() > max_order_in_burst) return;
  EpochOrder next = feed_.orders_[feed_.current_].of;
  ++next.epoch;
  feed_.write_order(next, &feed_.orders_[1 - feed_.current_]);
}

}  // namespace chainrule
