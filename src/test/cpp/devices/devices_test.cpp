// The messages if CUDA is missing or too old, engines by number, and memory counts.
#include "devices/devices.h"

#include <string>

#include "harness.h"

using namespace chainrule;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(a_driver_that_is_missing_or_too_old_is_refused) {
  CHECK(contains(cuda_driver_problem(0, "libcuda.so.1: no such file"),
                 "libcuda could not be loaded (libcuda.so.1: no such file)"));
  CHECK(contains(cuda_driver_problem(12090, ""),
                 "expected an NVIDIA driver of version 580 or newer (CUDA 13.0)"));
  CHECK(contains(cuda_driver_problem(12090, ""), "supports CUDA only up to 12.9"));
  CHECK(cuda_driver_problem(13000, "").empty());
  CHECK(cuda_driver_problem(14020, "").empty());
}

TEST(engine_number_0_is_the_cpu_and_others_must_have_been_opened) {
  CHECK(&engine(0) == &cpu_backend());
  CHECK_THROWS(engine(-1), "expected an engine number from 0 to");
  CHECK_THROWS(engine(1000), "but got 1000");
  CHECK_THROWS(open_cuda({}, 0, 3),
               "expected the precision 0 (float32), 1 (tf32) or 2 (bfloat16), but got 3");
}

// On every machine, a file that is not a CUDA library opens no device, and the message names the problem.
TEST(opening_a_device_without_the_library_names_what_is_missing) {
  for (const CudaPaths& paths : {CudaPaths{}, CudaPaths{"/proc/self/cmdline", {"/no/such/folder"}}}) {
    CHECK(cuda_device_count(paths) == 0);
    CHECK_THROWS(open_cuda(paths, 0, 0), "cuda: ");
    for (const std::string& problem : cuda_problems(paths)) CHECK_THROWS(open_cuda(paths, 0, 0), problem);
    CHECK(describe_cuda(paths).size() >= 4);
  }
}

TEST(memory_of_the_cpu_engine_is_counted) {
  const MemoryBytes before = engine(0).memory_bytes();
  CHECK(before.held <= before.peak && before.free > 0 && before.free <= before.total);
  char* memory = engine(0).allocate(5000);
  const MemoryBytes held = engine(0).memory_bytes();
  CHECK(held.held == before.held + 5000 && held.peak >= held.held);
  CHECK(held.allocations == before.allocations + 1);
  CHECK(native_bytes() == held.held && native_allocations() == held.allocations);
  engine(0).release(memory, 5000);
  CHECK(engine(0).memory_bytes().held == before.held && engine(0).memory_bytes().peak == held.peak);
}
