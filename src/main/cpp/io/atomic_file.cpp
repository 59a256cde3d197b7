#include "io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <system_error>

#include "util/check.h"

namespace chainrule {
namespace {

static_assert(sizeof(off_t) == 8, "files beyond 2 GiB need 64-bit offsets");

constexpr size_t largest_call = size_t{1} << 30;  // some systems reject 2 GiB in one call

// Like strerror, but thread-safe.
std::string reason(int code) { return std::generic_category().message(code); }

void check_path(const std::string& path) {
  REQUIRE(!path.empty(), "a file's path must not be empty");
  REQUIRE(path.find('\0') == path.npos, "a file's path must not contain a zero byte: ", path.c_str());
}

// Returns a description of a file that is not regular, or an empty text for a regular file.
std::string odd_kind(mode_t mode) {
  if (S_ISREG(mode)) return "";
  return S_ISDIR(mode) ? "it is a directory" : "it is not an ordinary file";
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Follows a symbolic link, so that saving replaces the file that it points to and keeps the link.
std::string resolve_link(const std::string& path) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return path;
  const std::unique_ptr<char, decltype(&free)> resolved(realpath(path.c_str(), nullptr), &free);
  if (!resolved) {
    const std::string why = reason(errno);
    throw Error(message("cannot write ", path, ": the symbolic link cannot be followed (", why, ")"));
  }
  return resolved.get();
}

// Returns 0 or the error code. An operation that the file system does not support is not an error.
int flush_to_disk(int descriptor) {
#ifdef F_FULLFSYNC
  // On macOS, fsync flushes only to the cache of the drive.
  if (fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
#endif
  while (fsync(descriptor) != 0) {
    if (errno == EINTR) continue;
    return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
  }
  return 0;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  check_path(path);
  target_ = resolve_link(path);
  folder_ = folder_of(target_);
  const std::string name = target_.substr(target_.rfind('/') + 1);  // npos + 1 is 0
  struct stat status;
  const bool exists = stat(target_.c_str(), &status) == 0;
  const mode_t mode = exists ? status.st_mode & 0777 : 0;
  if (name.empty() || (exists && !odd_kind(status.st_mode).empty())) {
    const std::string kind = exists ? odd_kind(status.st_mode) : "the path does not name a file";
    throw Error(message("cannot write ", path, ": ", kind));
  }
  // The rename would replace even a write-protected file.
  if (exists && access(target_.c_str(), W_OK) != 0) fail("replace the file", errno);
  if (stat(folder_.c_str(), &status) != 0 && errno == ENOENT) {
    throw Error(message("cannot write ", path, ": the folder ", folder_, " does not exist"));
  }
  static std::atomic<uint64_t> counter{0};
  // Another process with the same number (for example in a container) may have left a file with the same name.
  for (int attempt = 0; attempt < 1000 && descriptor_ < 0; ++attempt) {
    temporary_ = message(folder_, "/.", name.substr(0, 200), ".", getpid(), ".", ++counter, ".tmp");
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST && errno != EINTR) break;
  }
  if (descriptor_ < 0) {
    temporary_.clear();
    fail("create a temporary file in its folder", errno);
  }
  // A failure is ignored: file systems without permissions do not support this.
  if (exists && fchmod(descriptor_, mode) != 0) errno = 0;
}

AtomicFile::~AtomicFile() { close_and_remove(); }

void AtomicFile::close_and_remove() {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(const char* action, int code) const {
  throw Error(message("cannot write ", path_, ": failed to ", action, " (", reason(code), ")"));
}

void AtomicFile::write(const void* data, size_t size) {
  const auto* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(descriptor_, p, std::min(size, largest_call));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write the data", written < 0 ? errno : ENOSPC);
    p += written;
    size -= static_cast<size_t>(written);
  }
}

void AtomicFile::write_at(int64_t offset, const void* data, size_t size) {
  const auto* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = pwrite(descriptor_, p, std::min(size, largest_call), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write the data", written < 0 ? errno : ENOSPC);
    p += written;
    offset += written;
    size -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (const int code = flush_to_disk(descriptor_)) fail("flush the data to the disk", code);
  const int closed = close(descriptor_);  // network file systems report a full disk here
  const int close_code = errno;
  descriptor_ = -1;
  if (closed != 0 && close_code != EINTR) fail("close the temporary file", close_code);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename the temporary file", errno);
  temporary_.clear();
  // The rename changes an entry of the folder, so the folder is flushed as well. A folder that cannot be opened for
  // reading is not flushed.
  const int folder = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int code = flush_to_disk(folder);
  close(folder);
  if (code != 0) {
    throw Error(message(path_, " is written, but its folder could not be flushed to the disk (", reason(code),
                        "): it may not survive a power failure"));
  }
}

InputFile::InputFile(const std::string& path) : path_(path) {
  check_path(path);
  do {
    // O_NONBLOCK: opening a pipe must not block.
    descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) throw Error(message("cannot read ", path, " (", reason(errno), ")"));
  struct stat status;
  const bool known = fstat(descriptor_, &status) == 0;
  const std::string problem = known ? odd_kind(status.st_mode) : reason(errno);
  if (!problem.empty()) {
    close(descriptor_);
    throw Error(message("cannot read ", path, ": ", problem));
  }
  size_ = status.st_size;
}

InputFile::~InputFile() { close(descriptor_); }

void InputFile::read_at(int64_t offset, void* destination, size_t size) const {
  auto* p = static_cast<char*>(destination);
  while (size > 0) {
    const ssize_t got = pread(descriptor_, p, std::min(size, largest_call), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(message("cannot read ", path_, " (", reason(errno), ")"));
    if (got == 0) {
      throw Error(message("cannot read ", path_, ": it ends at byte ", offset, ", but ", size,
                          " more bytes were expected: it was shortened while it was read"));
    }
    p += got;
    offset += got;
    size -= static_cast<size_t>(got);
  }
}

}  // namespace chainrule
