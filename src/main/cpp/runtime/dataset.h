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

  // Memory for examples * features values, to be filled by the caller.
  char* add_column(const std::string& name, ColumnType type, int64_t features);
  const Column* find(const std::string& name) const;
  int64_t examples() const { return examples_; }
  int64_t bytes() const;
  // No other dataset of this process has it.
  int64_t number() const { return number_; }

 private:
  const int64_t examples_;
  const int64_t number_;
  std::deque<Column> columns_;  // whose addresses stay when another is added
};

}  // namespace chainrule
