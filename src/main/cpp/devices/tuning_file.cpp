#include "devices/tuning_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "io/atomic_file.h"
#include "io/crc32.h"
#include "util/check.h"

namespace chainrule {

namespace {

constexpr int64_t most_bytes = 64 << 20;  // about 200,000 products
constexpr int32_t first_product_line = 5;

std::string checksum(const std::string& text) {
  Crc32 crc;
  crc.update(text.data(), text.size());
  char hex[9];
  std::snprintf(hex, sizeof hex, "%08x", crc.value());
  return hex;
}

// Returns the lines without their line feeds.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

std::string last_line(size_t products) { return "end " + std::to_string(products); }

// Returns the lines above the products: the format, and the kind of device and the cuBLAS version for which the choices
// were made.
std::string header_of(const CudaLibrary& library, int32_t device) {
  const CudaDevice about = describe_cuda_device(library, device);
  return message("chainrule-tuning 1\ndevice ", about.name, "\ncapability ", about.capability_major, ".",
                 about.capability_minor, "\ncublas ", cuda_versions(library).cublas, "\n");
}

class TuningFile {
 public:
  TuningFile(std::string path, std::string header) : path_(std::move(path)), header_(std::move(header)) {}

  bool exists() const { return access(path_.c_str(), F_OK) == 0; }

  // Returns the lines of all products in the form that the engine expects.
  std::string read() const {
    const InputFile file(path_);
    if (file.size() > most_bytes)
      refuse(1, message("expected a tuning file of at most ", most_bytes, " bytes, but got ", file.size()));
    std::string text(static_cast<size_t>(file.size()), '\0');
    file.read_at(0, text.data(), text.size());
    return products(lines_of(text));
  }

  void write(const std::string& lines) const {
    std::string text = header_;
    const std::vector<std::string> products = lines_of(lines);
    for (const std::string& line : products) text += line + " " + checksum(line) + "\n";
    text += last_line(products.size()) + "\n";
    AtomicFile file(path_);
    file.write(text.data(), text.size());
    file.commit();
  }

  // Reads the file again and adds choices to it, because engines of other precisions and other processes may share the
  // file. A new choice replaces the old choice for the same shape.
  void add(const std::string& lines) const {
    static std::mutex& writing = *new std::mutex;
    const std::lock_guard<std::mutex> lock(writing);
    std::map<std::string, std::string> all;  // by the part of the line that describes the shape
    for (const std::string& line : lines_of((exists() ? read() : "") + lines)) {
      all[line.substr(0, line.find(':'))] = line;
    }
    std::string merged;
    for (const auto& [shape, line] : all) merged += line + "\n";
    write(merged);
  }

 private:
  [[noreturn]] void refuse(size_t number, const std::string& why) const {
    throw Error(path_ + ": line " + std::to_string(number) + ": " + why);
  }
  [[noreturn]] void refuse(size_t number, const std::string& expected, const std::string& got) const {
    refuse(number, "expected '" + expected + "', but got '" + got + "'");
  }

  std::string products(const std::vector<std::string>& lines) const {
    size_t number = 0;  // of the line, from 1
    for (const std::string& wanted : lines_of(header_)) {
      const std::string line = number < lines.size() ? lines[number] : "";
      ++number;
      if (line != wanted) refuse_header(number, line, wanted);
    }
    std::string text;
    for (size_t count = 0; number < lines.size(); ++count) {
      const std::string& line = lines[number++];
      if (begins_with(line, "end ")) {
        if (line != last_line(count)) refuse(number, last_line(count), line);
        if (number < lines.size()) refuse(number + 1, "", lines[number]);
        return text;
      }
      const size_t space = std::min(line.rfind(' '), line.size());
      const std::string product = line.substr(0, space), sum = checksum(product);
      if (line.substr(space) != " " + sum) {
        refuse(number, "it is damaged: expected the checksum " + sum + ", but it ends with '" +
                           line.substr(space) + "'");
      }
      text += product + "\n";
    }
    refuse(number + 1, "the file was cut off: expected a line with 'end', but got the end of the file");
  }

  // A header line with another value is not damage: the choices belong to another device or cuBLAS.
  [[noreturn]] void refuse_header(size_t number, const std::string& line, const std::string& wanted) const {
    const std::string key = wanted.substr(0, wanted.find(' ') + 1);
    if (number == 1 || !begins_with(line, key)) refuse(number, wanted, line);
    refuse(number, "its products were tuned for '" + line + "', but this machine has '" + wanted +
                       "': name another file, or remove this one");
  }

  const std::string path_;
  const std::string header_;
};

}  // namespace

std::unique_ptr<Backend> open_tuned_cuda_engine(const CudaLibrary& library, int32_t device,
                                                CudaPrecision precision, const std::string& path) {
  const TuningFile file(path, header_of(library, device));
  if (!file.exists()) file.write("");
  Tuning tuning;
  tuning.known = file.read();
  tuning.first_line = first_product_line;
  tuning.keep = [file](const std::string& lines) { file.add(lines); };
  try {
    return open_cuda_engine(library, device, precision, std::move(tuning));
  } catch (const Error& error) {
    throw Error(path + ": " + error.what());
  }
}

}  // namespace chainrule
