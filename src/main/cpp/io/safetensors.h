// The file format of models and trainer state: safetensors with a checksum. docs/formats.md shows every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/atomic_file.h"

namespace chainrule {

enum class StoredType { f32, f64, i64, i32 };

const char* stored_type_name(StoredType type);  // "F32", "F64", "I64", "I32"
int64_t stored_type_size(StoredType type);      // bytes of one element

// The metadata keys of this layer. Both are written always; a caller may set the format, never the checksum.
inline constexpr const char* format_key = "chainrule.format";
inline constexpr const char* checksum_key = "chainrule.checksum";
inline constexpr int format_version = 1;

struct TensorToWrite {
  std::string name;
  StoredType type;
  std::vector<int64_t> shape;  // row-major; empty for a single number
  const void* data;            // may be null when the shape holds no elements
};

// Writes whole or not at all: when this throws, `path` is what it was before. InvalidArgument for what cannot
// be written (a name twice, a negative size, bad UTF-8), Error for what the disk or the system refuses.
void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata);

// Opens a file, checks its whole structure and its checksum, and keeps it open: replacing the file at its
// path does not disturb a reader. Any number of threads may read. The contents are never in memory as a whole.
class SafetensorsFile {
 public:
  // With require_checksum = false a file of another program is accepted too; a checksum that is there must
  // be right all the same.
  explicit SafetensorsFile(const std::string& path, bool require_checksum = true);

  struct Tensor {
    std::string name;
    StoredType type;
    std::vector<int64_t> shape;
    int64_t offset;  // of the first byte, from the beginning of the file
    int64_t bytes;
  };

  const std::string& path() const { return file_.path(); }
  const std::string* metadata(std::string_view key) const;         // null when absent
  const std::vector<Tensor>& tensors() const { return tensors_; }  // in the header's order
  const Tensor* find(const std::string& name) const;               // null when absent
  void read(const Tensor& tensor, void* destination) const;        // exactly tensor.bytes

 private:
  void read_header();
  void parse_header();
  void check_layout() const;
  void check_format(bool require_checksum) const;
  void check_sum();
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const;

  InputFile file_;
  std::string header_;  // only while the file is checked
  int64_t data_begin_ = 0;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace chainrule
