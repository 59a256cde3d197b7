// The CUDA engine as the core sees it: a Backend whose every call goes through the table of the second library.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backend/cuda/library.h"

namespace chainrule {

// Where the choices of an engine come from and go to that times the algorithms of its products.
struct Tuning {
  std::string known;       // lines of CudaTuned
  int32_t first_line = 1;  // where they begin, for the sentence on a wrong one
  // Called with all lines whenever there are more; what it throws, preparing a program throws. None: nothing is timed.
  std::function<void(const std::string& lines)> keep;
};

// Opens a device. Throws Error with the library's sentence, or when the library belongs to another build. The table
// must stay loaded as long as the engine lives, and the engine longer than all that was made with it.
std::unique_ptr<Backend> open_cuda_engine(const CudaLibrary& library, int32_t device, CudaPrecision precision,
                                          Tuning tuning = {});

// What diagnosis asks. Throw Error with the library's sentence.
CudaVersions cuda_versions(const CudaLibrary& library);
CudaDevice describe_cuda_device(const CudaLibrary& library, int32_t device);

}  // namespace chainrule
