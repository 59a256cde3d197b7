// Files that are written completely or not at all, and files that are read by position. All system calls on files are
// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace chainrule {

// Writes the bytes to a temporary file in the folder of `path`. commit() flushes them to the disk and renames the
// temporary file to `path`. Without commit(), or if anything fails before the rename, `path` is unchanged and the
// temporary file is removed. A process that is killed may leave a file named .<name>.<process>.<number>.tmp.
class AtomicFile {
 public:
  // Throws Error if the file cannot be written: for example, the folder or a permission is missing, or `path` is not an
  // ordinary file.
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

  std::string path_;    // as given by the caller
  std::string target_;  // the path after symbolic links are followed
  std::string folder_;
  std::string temporary_;  // empty when there is none
  int descriptor_ = -1;
};

// A file that is open for reading. Its contents do not change when another file is renamed to its path. Thread-safe.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  int64_t size() const { return size_; }  // the size when the file was opened
  // Reads exactly `size` bytes. Throws Error if that fails, for example at the end of the file.
  void read_at(int64_t offset, void* destination, size_t size) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace chainrule
