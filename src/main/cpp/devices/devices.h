// The process's engines by number, and the way to those of the second native library: it is opened with the first CUDA
// device that is asked for, and never before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace chainrule {

// Where CUDA is looked for.
struct CudaPaths {
  std::string library;               // the file of libchainrule_cuda.so; empty: it is not there
  std::vector<std::string> folders;  // of CUDA's own libraries, tried in order and before the system's
};

// What is wrong with CUDA here, a sentence each; empty when its devices can be opened. That `library` is empty is not
// among them: only the caller knows where it should have come from.
std::vector<std::string> cuda_problems(const CudaPaths& places);

// Devices that can be opened: 0 when there is a problem.
int32_t cuda_device_count(const CudaPaths& places);

// What was found, a line each, for a report of a problem: "driver: ...". Never throws for want of CUDA.
std::vector<std::string> describe_cuda(const CudaPaths& places);

// The number of the engine of a device and a precision (backend/cuda/library.h), opened once a process. With the path of a
// tuning file it is another engine, one for each path, as open_tuned_cuda_engine opens it (tuning_file.h). Throws Error
// with all problems, InvalidArgument when there is no such device or precision.
int32_t open_cuda(const CudaPaths& places, int32_t device, int32_t precision,
                  const std::string& tuning = "");

// An engine by number; 0 is the processor's. It lives as long as the process. Throws InvalidArgument when there is none.
Backend& engine(int32_t number);

// Memory of the processor's that the library holds, that of devices' copies included, and how often memory was asked for,
// of the processor or of a device.
int64_t native_bytes();
int64_t native_allocations();

// The sentence on a driver that serves no CUDA newer than `found` (13000 for 13.0; 0: there is none, and `error` says
// what the system said), or empty when it will do.
std::string cuda_driver_problem(int32_t found, const std::string& error);

}  // namespace chainrule
