// The file format of models and trainer state: safetensors with a checksum. docs/formats.md describes it in full.
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

// The metadata keys of this layer. Both are always written. A caller may set the format, but not the checksum.
inline constexpr const char* format_key = "chainrule.format";
inline constexpr const char* checksum_key = "chainrule.checksum";
inline constexpr int format_version = 1;

struct TensorToWrite {
  std::string name;
  StoredType type;
  std::vector<int64_t> shape;  // row-major; empty for a single number
  const void* data;            // may be null if the shape has no elements
};

// Writes the file completely or not at all: if this throws, `path` is unchanged, unless the message says that the file
// is written. Throws InvalidArgument for data that cannot be written (a repeated name, a negative size, invalid UTF-8),
// and Error if the system cannot write the file.
void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata);

// Opens a file, checks its structure and its checksum, and keeps it open: replacing the file at its path does not
// affect a reader. Thread-safe. The file is never in memory as a whole.
class SafetensorsFile {
 public:
  // With require_checksum = false, files of other programs are accepted as well. If a checksum is present it must still
  // be correct.
  explicit SafetensorsFile(const std::string& path, bool require_checksum = true);

  struct Tensor {
    std::string name;
    StoredType type;
    std::vector<int64_t> shape;
    int64_t offset;  // offset of the first byte from the beginning of the file
    int64_t bytes;
  };

  const std::string& path() const { return file_.path(); }
  const std::string* metadata(std::string_view key) const;         // null if there is none
  const std::vector<Tensor>& tensors() const { return tensors_; }  // in the order of the header
  const Tensor* find(const std::string& name) const;               // null if there is none
  void read(const Tensor& tensor, void* destination) const;        // reads exactly tensor.bytes bytes

 private:
  void read_header();
  void parse_header();
  void check_layout() const;
  void check_format(bool require_checksum) const;
  void check_sum();
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const;

  InputFile file_;
  std::string header_;  // only while the file is being checked
  int64_t data_begin_ = 0;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace chainrule
