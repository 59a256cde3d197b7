// The CUDA engine as the core sees it: a Backend whose every call goes through the table of the second library.
#pragma once

#include <memory>

#include "backend/cuda/library.h"

namespace chainrule {

// Opens a device. Throws Error with the library's sentence, or when the library belongs to another build. The table
// must stay loaded as long as the engine lives, and the engine longer than all that was made with it.
std::unique_ptr<Backend> open_cuda_engine(const CudaLibrary& library, int32_t device,
                                          CudaPrecision precision);

// What diagnosis asks. Throw Error with the library's sentence.
CudaVersions cuda_versions(const CudaLibrary& library);
CudaDevice describe_cuda_device(const CudaLibrary& library, int32_t device);

}  // namespace chainrule
