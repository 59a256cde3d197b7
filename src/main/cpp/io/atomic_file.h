// Files that are written whole or not at all, and files that are read by position. The system calls are here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace chainrule {

// Collects the bytes in a temporary file beside `path`. commit() makes them durable and renames them over
// `path`; without it, or when something fails before the rename, `path` stays what it was and the temporary
// file is removed. A process that is killed may leave a file named .<name>.<process>.<number>.tmp behind.
class AtomicFile {
 public:
  // Throws Error for a missing folder, a lack of permission, a path that is no ordinary file, …
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size);                     // appends
  void write_at(int64_t offset, const void* data, size_t size);  // replaces bytes that were written before
  void commit();

 private:
  [[noreturn]] void fail(const char* action, int code) const;
  void close_and_remove();

  std::string path_;    // as the caller named it
  std::string target_;  // where a symbolic link leads
  std::string folder_;
  std::string temporary_;  // empty when there is none
  int descriptor_ = -1;
};

// An open file keeps its contents when another is renamed over its path. Any number of threads may read.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }  // when it was opened
  // Exactly `size` bytes, or Error.
  void read_at(int64_t offset, void* destination, size_t size) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace chainrule
