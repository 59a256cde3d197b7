#include "runtime/dataset.h"

#include <atomic>
#include <utility>

#include "util/check.h"

namespace chainrule {

namespace {

int64_t next_number() {
  static std::atomic<int64_t> last{0};
  return ++last;
}

}  // namespace

Dataset::Dataset(int64_t examples) : examples_(examples), number_(next_number()) {
  REQUIRE(examples > 0, "dataset: expected at least one example, but got ", examples);
}

char* Dataset::add_column(const std::string& name, ColumnType type, int64_t features) {
  REQUIRE(!name.empty(), "dataset: expected the name of a data node for a column, but got an empty name");
  REQUIRE(find(name) == nullptr, "dataset: it already has a column '", name, "'");
  REQUIRE(type == ColumnType::float32 || type == ColumnType::float64 || type == ColumnType::label, "column '",
          name, "': expected the type 0 (float32), 1 (float64) or 2 (label), but got ",
          static_cast<int32_t>(type));
  REQUIRE(features > 0, "column '", name, "': expected at least one feature, but got ", features);
  REQUIRE(type != ColumnType::label || features == 1, "column '", name,
          "': expected one class index per example, but got ", features, " features");
  REQUIRE(features <= INT64_MAX / 16 / examples_, "column '", name, "': ", examples_, " examples of ",
          features, " features do not fit into memory");
  Column column{name, type, features, MemoryBlock(cpu_backend())};
  column.values.reserve(examples_ * column.row_bytes());
  columns_.push_back(std::move(column));
  return columns_.back().values.data();
}

int64_t Dataset::bytes() const {
  int64_t sum = 0;
  for (const Column& column : columns_) sum += column.values.bytes();
  return sum;
}

const Column* Dataset::find(const std::string& name) const {
  for (const Column& column : columns_) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace chainrule
