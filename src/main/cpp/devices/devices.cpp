#include "devices/devices.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "backend/cuda/proxy.h"
#include "devices/tuning_file.h"
#include "util/check.h"

namespace chainrule {

namespace {

// The oldest CUDA version that the driver must support. Any driver for CUDA 13 supports libraries built with any 13.x.
constexpr int32_t needed_cuda = 13000;
constexpr const char* needed_driver = "580";
constexpr const char* driver_library = "libcuda.so.1";
// The only CUDA library that the second native library is linked with dynamically. The CUDA runtime is linked
// statically.
constexpr const char* cublas_library = "libcublasLt.so.13";

std::string version_text(int32_t version) { return message(version / 1000, ".", version % 1000 / 10); }

std::string last_error() {
  const char* error = dlerror();
  return error == nullptr ? "no reason given" : error;
}

// An opened library. It is never closed, because CUDA does not support that.
struct Opened {
  void* handle = nullptr;
  std::string file;
  std::string problem;  // if handle is null

  template <class Function>
  Function* symbol(const char* name) const {
    return handle == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(handle, name));
  }
};

Opened open_file(const std::string& name) {
  Opened opened;
  opened.handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened.handle == nullptr) {
    opened.problem = last_error();
    return opened;
  }
  link_map* map = nullptr;
  opened.file = dlinfo(opened.handle, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : name;
  return opened;
}

// Opens one of CUDA's own libraries from the folders. If none of them has a library that can be opened, opens the
// system's.
Opened find_library(const char* name, const std::vector<std::string>& folders) {
  std::string problem;
  for (const std::string& folder : folders) {
    const std::string file = folder + "/" + name;
    if (access(file.c_str(), F_OK) != 0) continue;
    Opened opened = open_file(file);
    if (opened.handle != nullptr) return opened;
    problem += opened.problem + "; ";
  }
  Opened opened = open_file(name);
  opened.problem = problem + opened.problem;
  return opened;
}

// The libraries that CUDA devices need. `problems` lists what could not be opened.
struct Cuda {
  Opened driver;
  int32_t driver_version = 0;
  Opened cublas;
  Opened library;
  const CudaLibrary* table = nullptr;
  std::vector<std::string> problems;

  explicit Cuda(const CudaPaths& paths)
      : driver(open_file(driver_library)), cublas(find_library(cublas_library, paths.folders)) {
    const auto version = driver.symbol<int(int*)>("cuDriverGetVersion");
    if (version != nullptr && version(&driver_version) != 0) driver_version = 0;
    const std::string problem = cuda_driver_problem(driver_version, driver.problem);
    if (!problem.empty()) problems.push_back(problem);
    if (cublas.handle == nullptr) {
      problems.push_back(message("expected cuBLAS of CUDA ", needed_cuda / 1000, ", but ", cublas_library,
                                 " could not be loaded (", cublas.problem, ")"));
    }
    // If the driver or cuBLAS is missing, the second native library would fail for the same reason.
    if (!paths.library.empty() && problems.empty()) open_library(paths.library);
  }

 private:
  void open_library(const std::string& file) {
    library = open_file(file);
    const auto function = library.symbol<const CudaLibrary*()>(cuda_library_symbol);
    if (function == nullptr) {
      problems.push_back(
          message(file, " could not be loaded: ",
                  library.handle == nullptr ? library.problem : "it is not the CUDA library of Chainrule"));
      return;
    }
    const CudaLibrary* found = function();
    try {
      const CudaVersions versions = cuda_versions(*found);
      if (versions.devices == 0) {
        const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
        problems.push_back(
            message("expected at least one CUDA device, but the driver reports none",
                    visible == nullptr
                        ? ""
                        : message("; the environment variable CUDA_VISIBLE_DEVICES is '", visible, "'")));
      }
      table = found;
    } catch (const Error& error) {
      problems.push_back(message(file, ": ", error.what()));
    }
  }
};

// Engines are never closed: CUDA may already be shut down when the static objects of the process are destroyed.
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Cuda>> found;  // by library and folders
  // The numbers of the engines, by device, precision and tuning file.
  std::map<std::tuple<int32_t, int32_t, std::string>, int32_t> numbers;
  std::vector<std::unique_ptr<Backend>> engines;  // engines[0] has the number 1
};

Registry& registry() {
  static Registry& instance = *new Registry;
  return instance;
}

const Cuda& look_for(Registry& all, const CudaPaths& paths) {
  std::string key = paths.library;
  for (const std::string& folder : paths.folders) key += ":" + folder;
  std::unique_ptr<Cuda>& found = all.found[key];
  if (found == nullptr) found = std::make_unique<Cuda>(paths);
  return *found;
}

std::string describe_device(const CudaLibrary& table, int32_t number) {
  const CudaDevice about = describe_cuda_device(table, number);
  return message(about.name, ", compute capability ", about.capability_major, ".", about.capability_minor,
                 ", ", about.total_bytes >> 20, " MiB");
}

std::string join(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += (text.empty() ? "" : "; ") + sentence;
  return text;
}

std::string found_or_not(const Opened& opened) {
  return opened.handle == nullptr ? "not found (" + opened.problem + ")" : opened.file;
}

}  // namespace

std::string cuda_driver_problem(int32_t found, const std::string& error) {
  if (found >= needed_cuda) return "";
  const std::string needed = message("expected an NVIDIA driver of version ", needed_driver,
                                     " or newer (CUDA ", version_text(needed_cuda), "), but ");
  if (found != 0)
    return message(needed, "the installed driver supports CUDA only up to ", version_text(found));
  return message(needed, error.empty() ? "the installed driver does not report its version"
                                       : "libcuda could not be loaded (" + error + ")");
}

std::vector<std::string> cuda_problems(const CudaPaths& paths) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return look_for(all, paths).problems;
}

int32_t cuda_device_count(const CudaPaths& paths) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const Cuda& cuda = look_for(all, paths);
  return cuda.table == nullptr ? 0 : cuda_versions(*cuda.table).devices;
}

std::vector<std::string> describe_cuda(const CudaPaths& paths) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const Cuda& cuda = look_for(all, paths);
  std::vector<std::string> lines;
  lines.push_back("driver: " + (cuda.driver_version == 0 ? found_or_not(cuda.driver)
                                                         : message(cuda.driver.file, ", supports CUDA up to ",
                                                                   version_text(cuda.driver_version))));
  lines.push_back(message("CUDA needed: ", version_text(needed_cuda), " or a newer 13.x"));
  lines.push_back(message(cublas_library, ": ", found_or_not(cuda.cublas)));
  if (cuda.table != nullptr) {
    const CudaVersions versions = cuda_versions(*cuda.table);
    lines.push_back(message("built with CUDA ", version_text(versions.runtime), ", runs with cuBLASLt ",
                            versions.cublas));
    for (int32_t i = 0; i < versions.devices; ++i) {
      lines.push_back(message("device ", i, ": ", describe_device(*cuda.table, i)));
    }
  }
  for (const std::string& problem : cuda.problems) lines.push_back("problem: " + problem);
  return lines;
}

int32_t open_cuda(const CudaPaths& paths, int32_t device, int32_t precision, const std::string& tuning) {
  REQUIRE(precision >= 0 && precision <= static_cast<int32_t>(CudaPrecision::bfloat16),
          "cuda: expected the precision 0 (float32), 1 (tf32) or 2 (bfloat16), but got ", precision);
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const Cuda& cuda = look_for(all, paths);
  if (!cuda.problems.empty()) throw Error("cuda: " + join(cuda.problems));
  if (cuda.table == nullptr)
    throw Error("cuda: expected the file of the CUDA library, but got an empty path");
  const int32_t devices = cuda_versions(*cuda.table).devices;
  REQUIRE(device >= 0 && device < devices, "cuda: expected a device number from 0 to ", devices - 1,
          ", but got ", device);
  int32_t& number = all.numbers[{device, precision, tuning}];
  if (number == 0) {
    const CudaPrecision how = static_cast<CudaPrecision>(precision);
    all.engines.push_back(tuning.empty() ? open_cuda_engine(*cuda.table, device, how)
                                         : open_tuned_cuda_engine(*cuda.table, device, how, tuning));
    number = static_cast<int32_t>(all.engines.size());
  }
  return number;
}

Backend& engine(int32_t number) {
  if (number == 0) return cpu_backend();
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  REQUIRE(number > 0 && static_cast<size_t>(number) <= all.engines.size(),
          "device: expected an engine number from 0 to ", all.engines.size(), ", but got ", number);
  return *all.engines[static_cast<size_t>(number) - 1];
}

int64_t native_bytes() {
  int64_t bytes = cpu_backend().memory_bytes().held;
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (const std::unique_ptr<Backend>& engine : all.engines) bytes += engine->memory_bytes().host;
  return bytes;
}

int64_t native_allocations() {
  int64_t count = cpu_backend().memory_bytes().allocations;
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (const std::unique_ptr<Backend>& engine : all.engines) count += engine->memory_bytes().allocations;
  return count;
}

}  // namespace chainrule
