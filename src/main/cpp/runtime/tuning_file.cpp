#include "runtime/tuning_file.h"

#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "io/atomic_file.h"
#include "io/crc32.h"
#include "util/check.h"

namespace chainrule {

namespace {

constexpr int64_t most_bytes = 64 << 20;  // some 300,000 products
constexpr int32_t first_product_line = 5;

std::string checksum(const std::string& text) {
  Crc32 crc;
  crc.update(text.data(), text.size());
  char hex[9];
  std::snprintf(hex, sizeof hex, "%08x", crc.value());
  return hex;
}

// What stands above the products: the format, and whose choices these are.
std::string header_of(const CudaLibrary& library, int32_t device) {
  const CudaDevice about = describe_cuda_device(library, device);
  return message("chainrule-tuning 1\ndevice ", about.name, "\ncapability ", about.capability_major, ".",
                 about.capability_minor, "\ncublas ", cuda_versions(library).cublas, "\n");
}

// The choice for one shape, by the part of its line that says the shape.
using Choices = std::map<std::string, std::string>;

class TuningFile {
 public:
  TuningFile(std::string path, std::string header) : path_(std::move(path)), header_(std::move(header)) {}

  // The lines of all products, as the engine wants them; nothing where there is no file.
  std::string read() const {
    if (access(path_.c_str(), F_OK) != 0) return "";
    const InputFile file(path_);
    if (file.size() > most_bytes) {
      throw Error(message(path_, " has ", file.size(), " bytes: expected a file of tuned products, at most ",
                          most_bytes, " bytes"));
    }
    std::string text(static_cast<size_t>(file.size()), '\0');
    file.read_at(0, text.data(), text.size());
    return products(text);
  }

  void write(const std::string& lines) const {
    std::string text = header_;
    int64_t count = 0;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line); ++count) text += line + " " + checksum(line) + "\n";
    text += message("end ", count, "\n");
    AtomicFile file(path_);
    file.write(text.data(), text.size());
    file.commit();
  }

  // Adds choices to those that the file has by now: engines of other precisions, and other processes, may share it. Of
  // two for the same shape ours stays.
  void add(const std::string& lines) const {
    static std::mutex& writing = *new std::mutex;
    const std::lock_guard<std::mutex> lock(writing);
    Choices all;
    for (const std::string& text : {read(), lines}) {
      std::istringstream in(text);
      for (std::string line; std::getline(in, line);) all[line.substr(0, line.find(':'))] = line;
    }
    std::string merged;
    for (const auto& [shape, line] : all) merged += line + "\n";
    write(merged);
  }

 private:
  [[noreturn]] void refuse(int32_t number, const std::string& why) const {
    throw Error(message(path_, ": line ", number, ": ", why));
  }

  std::string products(const std::string& text) const {
    std::istringstream in(text), expected(header_);
    int32_t number = 0;
    std::string line, wanted;
    for (; std::getline(expected, wanted); line.clear()) {
      ++number;
      std::getline(in, line);
      if (line != wanted) refuse_header(number, line, wanted);
    }
    std::string lines;
    for (int64_t count = 0;; ++count) {
      ++number;
      if (!std::getline(in, line)) refuse(number, "the file ends here, but 'end' is missing: it was cut off");
      if (line.rfind("end ", 0) == 0) {
        if (line != message("end ", count))
          refuse(number, message("expected 'end ", count, "', but '", line, "' came"));
        if (in.peek() != EOF) refuse(number + 1, "expected the file's end");
        return lines;
      }
      const size_t space = line.rfind(' ');
      const std::string product = line.substr(0, space == std::string::npos ? 0 : space);
      if (checksum(product) != line.substr(space + 1)) {
        refuse(number, message("it is damaged: its checksum is ", checksum(product), ", and it says '",
                               line.substr(space + 1), "'"));
      }
      lines += product + "\n";
    }
  }

  // The same line with another value is no damage: the choices are another device's, or another cuBLAS's.
  [[noreturn]] void refuse_header(int32_t number, const std::string& line, const std::string& wanted) const {
    if (number == 1) refuse(number, message("expected the format '", wanted, "', but '", line, "' came"));
    const std::string key = wanted.substr(0, wanted.find(' ') + 1);
    if (line.rfind(key, 0) != 0) refuse(number, message("expected '", key, "…', but '", line, "' came"));
    refuse(number, message("its products were tuned for '", line, "', but here it is '", wanted,
                           "': name another file, or remove this one"));
  }

  const std::string path_;
  const std::string header_;
};

}  // namespace

std::unique_ptr<Backend> open_tuned_cuda_engine(const CudaLibrary& library, int32_t device,
                                                CudaPrecision precision, const std::string& path) {
  const TuningFile file(path, header_of(library, device));
  if (access(path.c_str(), F_OK) != 0) file.write("");
  Tuning tuning;
  tuning.known = file.read();
  tuning.first_line = first_product_line;
  tuning.keep = [file](const std::string& lines) { file.add(lines); };
  try {
    return open_cuda_engine(library, device, precision, std::move(tuning));
  } catch (const Error& error) {
    throw Error(message(path, ": ", error.what()));
  }
}

}  // namespace chainrule
