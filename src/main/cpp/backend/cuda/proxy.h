// The core's side of the CUDA engine: a Backend that calls the functions of the second library's table.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backend/cuda/library.h"

namespace chainrule {

// The choices of an engine that selects the algorithms of its products by timing.
struct Tuning {
  std::string known;       // earlier choices: lines as in CudaTuned
  int32_t first_line = 1;  // the number of the first of these lines, for error messages
  // Stores all lines. The engine calls it whenever it has timed another product. Backend::prepare throws what this
  // function throws. An empty function turns tuning off.
  std::function<void(const std::string& lines)> keep;
};

// Opens a device. Throws Error with the library's message, or if the library belongs to another build. The library must
// stay loaded while the engine exists. The caller must destroy everything that the engine created before the engine
// itself.
std::unique_ptr<Backend> open_cuda_engine(const CudaLibrary& library, int32_t device, CudaPrecision precision,
                                          Tuning tuning = {});

// For diagnosis. Both throw Error with the library's message.
CudaVersions cuda_versions(const CudaLibrary& library);
CudaDevice describe_cuda_device(const CudaLibrary& library, int32_t device);

}  // namespace chainrule
