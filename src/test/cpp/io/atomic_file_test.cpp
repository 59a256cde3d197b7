#include "io/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "harness.h"
#include "io/folder.h"
#include "io/safetensors.h"

namespace chainrule {
namespace {

const std::vector<float> six_values = {1, 2, 3, 4, 5, 6};

void write_model(const std::string& path) {
  write_safetensors(
      path,
      {{"w", StoredType::f32, {2, 3}, six_values.data()}, {"b", StoredType::f32, {2}, six_values.data()}},
      {});
}

TEST(files_are_written_whole_or_not_at_all) {
  const Folder folder;
  const std::string path = folder / "model";
  write_model(path);
  const std::string good = contents(path);
  CHECK(folder.names().size() == 1);

  // A limit on the size of files makes a write fail in the middle, like a full disk.
  std::vector<float> values(100'000, 1.0f);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const TensorToWrite tensor{"w", StoredType::f32, {100'000}, values.data()};
  CHECK_THROWS(write_safetensors(path, {tensor}, {}), path + ": failed to write the data (File too large)");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contents(path) == good && folder.names().size() == 1);
  {
    AtomicFile abandoned(path);
    abandoned.write("abc", 3);
    CHECK(folder.names().size() == 2);
  }
  CHECK(contents(path) == good && folder.names().size() == 1);
  write_safetensors(path, {tensor}, {});
  CHECK(SafetensorsFile(path).tensors().size() == 1 && folder.names().size() == 1);
}

TEST(files_that_cannot_be_written_are_reported) {
  const Folder folder;
  CHECK_THROWS(write_model(folder / "no/such/model"), "does not exist");
  CHECK_THROWS(write_model(folder / "."), "it is a directory");
  CHECK_THROWS(write_model(folder / ""), "it is a directory");
  CHECK_THROWS(write_model(folder / "new/"), "the path does not name a file");
  CHECK_THROWS(write_model(""), "must not be empty");
  CHECK_THROWS(write_model(std::string("a\0b", 3)), "zero byte");
  CHECK_THROWS(write_model("/dev/null"), "it is not an ordinary file");
  CHECK_THROWS(write_model(folder / std::string(300, 'x')), "File name too long");
  store(folder / "file", "x");
  CHECK_THROWS(write_model(folder / "file/model"), "Not a directory");
  if (geteuid() != 0) {  // root may write everywhere
    chmod((folder / "file").c_str(), 0444);
    CHECK_THROWS(write_model(folder / "file"), "Permission denied");
    chmod((folder / ".").c_str(), 0555);
    CHECK_THROWS(write_model(folder / "model"), "Permission denied");
    chmod((folder / ".").c_str(), 0755);
  }
  CHECK(folder.names().size() == 1);
}

TEST(files_keep_permissions_and_links) {
  const Folder folder;
  store(folder / "real", "x");
  chmod((folder / "real").c_str(), 0640);
  CHECK(symlink("real", (folder / "link").c_str()) == 0);
  write_model(folder / "link");
  CHECK(SafetensorsFile(folder / "real").tensors().size() == 2);
  struct stat status {};
  CHECK(lstat((folder / "link").c_str(), &status) == 0 && S_ISLNK(status.st_mode));
  CHECK(stat((folder / "real").c_str(), &status) == 0 && (status.st_mode & 0777) == 0640);
  CHECK(symlink("nowhere", (folder / "dangling").c_str()) == 0);
  CHECK_THROWS(write_model(folder / "dangling"), "symbolic link");
  write_model(folder / std::string(250, 'n'));
  CHECK(folder.names().size() == 4);
}

TEST(files_that_cannot_be_read_are_reported) {
  const Folder folder;
  CHECK_THROWS(SafetensorsFile(folder / "absent"), "(No such file or directory)");
  CHECK_THROWS(SafetensorsFile(folder / "."), "it is a directory");
  CHECK_THROWS(SafetensorsFile("/dev/zero"), "it is not an ordinary file");
  CHECK(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS(SafetensorsFile(folder / "pipe"), "it is not an ordinary file");
  write_model(folder / "model");
  const SafetensorsFile file(folder / "model");
  std::vector<float> values(6);
  CHECK(truncate((folder / "model").c_str(), 100) == 0);
  CHECK_THROWS(file.read(file.tensors()[0], values.data()), "it was shortened while it was read");
}

}  // namespace
}  // namespace chainrule
