// The engines of the process, identified by numbers. The second native library is opened when the first CUDA device is
// requested, and not before.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace chainrule {

// The files and folders that are searched for CUDA.
struct CudaPaths {
  std::string library;  // the file of libchainrule_cuda.so; empty: there is none
  // Folders with CUDA's own libraries. They are tried in order, before those of the system.
  std::vector<std::string> folders;
};

// Returns the problems that prevent the use of CUDA, one sentence each. It is empty if devices can be opened. An empty
// `library` is not reported: only the caller can tell where the file should be.
std::vector<std::string> cuda_problems(const CudaPaths& paths);

// Returns the number of devices that can be opened; 0 if there is a problem.
int32_t cuda_device_count(const CudaPaths& paths);

// Returns lines that describe the libraries and devices found, for a problem report: "driver: ...". Does not throw if
// CUDA is missing.
std::vector<std::string> describe_cuda(const CudaPaths& paths);

// Returns the number of the engine of a device and a precision (backend/cuda/library.h). The engine is opened once per
// process. With the path of a tuning file the result is another engine, one per path, which open_tuned_cuda_engine
// opens (tuning_file.h). Throws Error with all problems, or InvalidArgument if there is no such device or precision.
int32_t open_cuda(const CudaPaths& paths, int32_t device, int32_t precision, const std::string& tuning = "");

// Returns an engine by its number; 0 is the CPU. The engine lives as long as the process. Throws InvalidArgument if the
// number is unknown.
Backend& engine(int32_t number);

// The host memory that the library holds, in bytes, including the copies for devices, and the number of allocations so
// far, in host and device memory.
int64_t native_bytes();
int64_t native_allocations();

// Returns the problem with a driver that supports CUDA versions up to `found`, or an empty text if it is new enough.
// `found` is 13000 for 13.0. It is 0 if there is no driver, with the message of the system in `error`, or if the driver
// does not report its version, with an empty `error`.
std::string cuda_driver_problem(int32_t found, const std::string& error);

}  // namespace chainrule
