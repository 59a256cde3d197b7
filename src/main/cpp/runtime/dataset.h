// Columns of examples in native memory, each [example][feature].
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "runtime/memory_block.h"

namespace chainrule {

struct Column {
  std::string name;
  ColumnType type;
  int64_t features;
  MemoryBlock values;

  int64_t row_bytes() const { return features * (type == ColumnType::float64 ? 8 : 4); }
};

class Dataset {
 public:
  explicit Dataset(int64_t examples);

  // Adds a column. Returns memory for examples * features values, which the caller must fill.
  char* add_column(const std::string& name, ColumnType type, int64_t features);
  const Column* find(const std::string& name) const;
  int64_t examples() const { return examples_; }
  int64_t bytes() const;
  // A number that identifies the data set within the process.
  int64_t number() const { return number_; }

 private:
  const int64_t examples_;
  const int64_t number_;
  std::deque<Column> columns_;  // a deque: adding a column does not move the existing columns
};

}  // namespace chainrule
