#include "io/safetensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "io/crc32.h"
#include "io/json.h"
#include "util/check.h"

namespace chainrule {
namespace {

#ifdef __BYTE_ORDER__
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the format is little-endian, and so is this code");
#endif

constexpr std::array stored_types = {StoredType::f32, StoredType::f64, StoredType::i64, StoredType::i32};
constexpr const char* metadata_name = "__metadata__";
constexpr int64_t length_bytes = 8;
constexpr int64_t max_header = 100'000'000;  // the limit of the reference implementation
constexpr int64_t max_data = std::numeric_limits<int64_t>::max() / 2;  // so that no sum of sizes overflows
constexpr int64_t data_alignment = 64;
// A chunk stays in the cache between the computation of its checksum and its writing.
constexpr int64_t chunk_bytes = int64_t{1} << 20;
constexpr const char* checksum_prefix = "crc32:";
constexpr size_t checksum_digits = 8;

// Returns the number of bytes of a tensor. Negative if the shape is not valid: a negative size, or more bytes than 64
// bits can count.
int64_t bytes_of(StoredType type, const std::vector<int64_t>& shape) {
  int64_t bytes = stored_type_size(type);
  for (const int64_t size : shape) {
    if (size < 0 || (size > 0 && bytes > std::numeric_limits<int64_t>::max() / size)) return -1;
    bytes *= size;
  }
  return bytes;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i == 8) return out + ", …]";
    out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return out + "]";
}

// Returns the position of the checksum's digits in the header, or npos. Quotes inside a JSON string are escaped, so the
// pattern rarely occurs anywhere else. Also returns npos if the pattern occurs twice, because it is then not clear
// which occurrence is the checksum.
size_t find_checksum_digits(std::string_view header) {
  const std::string pattern = message('"', checksum_key, "\":\"", checksum_prefix);
  const size_t found = header.find(pattern);
  if (found == header.npos || header.find(pattern, found + 1) != header.npos) return header.npos;
  const size_t digits = found + pattern.size();
  const size_t end = digits + checksum_digits;
  return end < header.size() && header[end] == '"' ? digits : header.npos;
}

std::string checksum_text(uint32_t sum) {
  std::string digits(checksum_digits, '0');
  for (size_t i = 0; i < checksum_digits; ++i, sum <<= 4) digits[i] = "0123456789abcdef"[sum >> 28];
  return digits;
}

std::string header_to_write(const std::vector<TensorToWrite>& tensors, const std::vector<int64_t>& begins,
                            const std::vector<std::pair<std::string, std::string>>& metadata) {
  Json entries = Json::make_object();
  entries.set(checksum_key, checksum_prefix + std::string(checksum_digits, '0'));
  entries.set(format_key, std::to_string(format_version));
  std::unordered_set<std::string> names{checksum_key};
  for (const auto& [key, value] : metadata) {
    REQUIRE(names.insert(key).second, "the metadata key ", quote(key), " is given twice or is reserved");
    if (key == format_key) {
      entries.set(key, value);
    } else {
      entries.add(key, value);
    }
  }
  Json header = Json::make_object();
  header.add(metadata_name, std::move(entries));
  names = {metadata_name};
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorToWrite& tensor = tensors[i];
    REQUIRE(names.insert(tensor.name).second, "the tensor name ", quote(tensor.name),
            " is given twice or is reserved");
    Json entry = Json::make_object();
    entry.add("dtype", stored_type_name(tensor.type));
    entry.add("shape", Json::make_array(tensor.shape));
    const int64_t end = begins[i] + bytes_of(tensor.type, tensor.shape);
    entry.add("data_offsets", Json::make_array(std::array{begins[i], end}));
    header.add(tensor.name, std::move(entry));
  }
  std::string text = dump(header);
  const int64_t unpadded = length_bytes + static_cast<int64_t>(text.size());
  text.append(static_cast<size_t>((data_alignment - unpadded % data_alignment) % data_alignment), ' ');
  REQUIRE(static_cast<int64_t>(text.size()) <= max_header,
          "the description of the tensors and the metadata needs ", text.size(),
          " bytes, but the format allows ", max_header);
  try {
    parse(text);
  } catch (const Error& error) {  // For example, too many values: fails here instead of on loading.
    throw InvalidArgument(message("the tensors cannot be described in one file: ", error.what()));
  }
  return text;
}

}  // namespace

const char* stored_type_name(StoredType type) {
  switch (type) {
    case StoredType::f32: return "F32";
    case StoredType::f64: return "F64";
    case StoredType::i64: return "I64";
    case StoredType::i32: return "I32";
  }
  throw InvalidArgument(
      message("expected a stored type number from 0 to 3, but got ", static_cast<int>(type)));
}

int64_t stored_type_size(StoredType type) {
  return type == StoredType::f32 || type == StoredType::i32 ? 4 : 8;
}

void write_safetensors(const std::string& path, const std::vector<TensorToWrite>& tensors,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  // Tensors with wide types are written first. Every tensor is then aligned to the size of its elements, as some
  // readers require.
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return stored_type_size(tensors[a].type) > stored_type_size(tensors[b].type);
  });
  std::vector<int64_t> begins(tensors.size());
  int64_t total = 0;
  for (const size_t i : order) {
    const TensorToWrite& tensor = tensors[i];
    const int64_t bytes = bytes_of(tensor.type, tensor.shape);
    REQUIRE(bytes >= 0 && bytes <= max_data - total, "tensor ", quote(tensor.name),
            " cannot be stored: the shape ", shape_text(tensor.shape),
            " has a negative size or is too large");
    REQUIRE(bytes == 0 || tensor.data != nullptr, "tensor ", quote(tensor.name), " has no data");
    begins[i] = total;
    total += bytes;
  }
  const std::string header = header_to_write(tensors, begins, metadata);
  const size_t digits = find_checksum_digits(header);
  REQUIRE(digits != header.npos, "a metadata key looks like that of the checksum");

  AtomicFile file(path);
  Crc32 sum;
  const auto write = [&](const void* data, int64_t bytes) {
    const auto* p = static_cast<const char*>(data);
    for (int64_t done = 0; done < bytes; done += chunk_bytes) {
      const auto size = static_cast<size_t>(std::min(chunk_bytes, bytes - done));
      sum.update(p + done, size);
      file.write(p + done, size);
    }
  };
  const uint64_t length = header.size();
  write(&length, length_bytes);
  write(header.data(), static_cast<int64_t>(header.size()));
  for (const size_t i : order) write(tensors[i].data, bytes_of(tensors[i].type, tensors[i].shape));
  // The checksum was computed with zeros in place of its digits.
  const std::string text = checksum_text(sum.value());
  file.write_at(length_bytes + static_cast<int64_t>(digits), text.data(), text.size());
  file.commit();
}

template <class... Parts>
void SafetensorsFile::refuse(const Parts&... parts) const {
  throw Error(message(path(), ": ", parts...));
}

SafetensorsFile::SafetensorsFile(const std::string& path, bool require_checksum) : file_(path) {
  read_header();
  try {
    parse_header();
  } catch (const Error& error) {
    refuse("cannot be read as a safetensors file: ", error.what());
  }
  check_format(require_checksum);
  check_layout();
  check_sum();
  header_ = std::string();
}

void SafetensorsFile::read_header() {
  const int64_t size = file_.size();
  if (size < length_bytes) {
    refuse("not a safetensors file: expected at least ", length_bytes,
           " bytes for the header's length, but got ", size);
  }
  uint64_t length = 0;
  file_.read_at(0, &length, sizeof length);
  if (length > static_cast<uint64_t>(max_header)) {
    refuse("not a safetensors file: its first 8 bytes give a header of ", length,
           " bytes, but the format allows ", max_header);
  }
  if (length > static_cast<uint64_t>(size - length_bytes)) {
    refuse("not a safetensors file, or cut short: its first 8 bytes give a header of ", length,
           " bytes, but only ", size - length_bytes, " bytes follow");
  }
  header_.resize(static_cast<size_t>(length));
  file_.read_at(length_bytes, header_.data(), header_.size());
  if (header_.empty() || header_[0] != '{') {
    refuse("not a safetensors file: its header does not begin with '{'");
  }
  data_begin_ = length_bytes + static_cast<int64_t>(length);
}

void SafetensorsFile::parse_header() {
  const Json header = parse(header_);
  for (const Json& entry : header.object()) {
    const std::string& name = entry.key();
    if (name == metadata_name) {
      for (const Json& item : entry.object()) metadata_.emplace_back(item.key(), item.string());
      continue;
    }
    Tensor tensor{name, StoredType::f32, {}, 0, 0};
    const std::string& dtype = entry.at("dtype").string();
    const auto type = std::find_if(stored_types.begin(), stored_types.end(),
                                   [&](StoredType known) { return dtype == stored_type_name(known); });
    if (type == stored_types.end()) {
      throw Error(message("tensor ", quote(name), " has the dtype ", quote(dtype),
                          ", but this version reads only F32, F64, I64 and I32"));
    }
    tensor.type = *type;
    for (const Json& size : entry.at("shape").array()) tensor.shape.push_back(size.integer());
    const int64_t bytes = bytes_of(tensor.type, tensor.shape);
    if (bytes < 0) {
      throw Error(message("tensor ", quote(name), " has an impossible shape: ", shape_text(tensor.shape)));
    }
    const std::vector<Json>& offsets = entry.at("data_offsets").array();
    if (offsets.size() != 2) {
      throw Error(message("tensor ", quote(name), " should have 2 data_offsets, but has ", offsets.size()));
    }
    const int64_t begin = offsets[0].integer(), end = offsets[1].integer();
    // Because both are compared with the file's size, no later sum can overflow.
    if (begin < 0 || end < begin || end > file_.size() - data_begin_) {
      throw Error(message("tensor ", quote(name), " should be within the ", file_.size() - data_begin_,
                          " bytes of data, but its data_offsets are ", begin, " and ", end,
                          ": the file is cut short or damaged"));
    }
    if (end - begin != bytes) {
      throw Error(message("tensor ", quote(name), " of shape ", shape_text(tensor.shape), " and type ", dtype,
                          " needs ", bytes, " bytes, but its data_offsets span ", end - begin));
    }
    tensor.offset = data_begin_ + begin;
    tensor.bytes = bytes;
    index_.emplace(name, tensors_.size());
    tensors_.push_back(std::move(tensor));
  }
}

void SafetensorsFile::check_layout() const {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : tensors_) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return std::pair(a->offset, a->bytes) < std::pair(b->offset, b->bytes);
  });
  int64_t expected = data_begin_;
  for (const Tensor* tensor : order) {
    if (tensor->offset != expected) {
      refuse("not a valid safetensors file: tensor ", quote(tensor->name), " should begin at byte ",
             expected - data_begin_, " of the data, but begins at ", tensor->offset - data_begin_,
             ": tensors overlap or leave gaps");
    }
    expected += tensor->bytes;
  }
  if (expected != file_.size()) {
    refuse("not a valid safetensors file: its tensors end at byte ", expected, ", but the file has ",
           file_.size(), " bytes");
  }
}

void SafetensorsFile::check_format(bool require_checksum) const {
  const std::string* format = metadata(format_key);
  if (require_checksum && (format == nullptr || metadata(checksum_key) == nullptr)) {
    const char* missing = format == nullptr ? format_key : checksum_key;
    refuse("not a Chainrule file: its metadata has no ", quote(missing));
  }
  if (format == nullptr) return;
  int version = 0;
  const auto [end, code] = std::from_chars(format->data(), format->data() + format->size(), version);
  if (code != std::errc() || end != format->data() + format->size() || version < 1) {
    refuse(quote(format_key), " should be a whole number from 1, but is ", quote(*format));
  }
  if (version > format_version) {
    refuse("written by a newer version of Chainrule: its format is ", version,
           ", but this version reads formats up to ", format_version);
  }
}

void SafetensorsFile::check_sum() {
  const std::string* stored = metadata(checksum_key);
  if (stored == nullptr) return;
  const size_t digits = find_checksum_digits(header_);
  if (digits == header_.npos) {
    refuse("the checksum should be written once, as \"", checksum_key, "\":\"", checksum_prefix,
           "\" and eight hexadecimal digits, but it is ", quote(*stored));
  }
  header_.replace(digits, checksum_digits, checksum_digits, '0');
  const uint64_t length = header_.size();
  Crc32 sum;
  sum.update(&length, sizeof length);
  sum.update(header_.data(), header_.size());
  std::vector<char> chunk(static_cast<size_t>(std::min(chunk_bytes, file_.size() - data_begin_)));
  for (int64_t at = data_begin_; at < file_.size(); at += chunk_bytes) {
    const auto size = static_cast<size_t>(std::min(chunk_bytes, file_.size() - at));
    file_.read_at(at, chunk.data(), size);
    sum.update(chunk.data(), size);
  }
  const std::string expected = checksum_prefix + checksum_text(sum.value());
  if (*stored != expected) {
    refuse("the file is damaged, or another program changed it: its checksum should be ", expected,
           ", but is ", quote(*stored));
  }
}

const std::string* SafetensorsFile::metadata(std::string_view key) const {
  for (const auto& [name, value] : metadata_) {
    if (name == key) return &value;
  }
  return nullptr;
}

const SafetensorsFile::Tensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

void SafetensorsFile::read(const Tensor& tensor, void* destination) const {
  const bool inside =
      tensor.offset >= data_begin_ && tensor.bytes >= 0 && tensor.bytes <= file_.size() - tensor.offset;
  REQUIRE(inside, "tensor ", quote(tensor.name), " is not one of ", path());
  REQUIRE(tensor.bytes == 0 || destination != nullptr, "expected a destination for tensor ",
          quote(tensor.name), ", but got null");
  file_.read_at(tensor.offset, destination, static_cast<size_t>(tensor.bytes));
}

}  // namespace chainrule
