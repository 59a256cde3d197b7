// The file in which a CUDA engine stores the algorithms that it has chosen for products by timing them
// (docs/formats.md).
#pragma once

#include <memory>
#include <string>

#include "backend/cuda/proxy.h"

namespace chainrule {

// Opens a CUDA engine that uses a tuning file. The engine uses the algorithms that the file has for this kind of device
// and this version of cuBLAS. Other products are timed when a program is prepared, and added to the file. A missing
// file is created immediately. Throws Error if the file cannot be read or written, is damaged, or belongs to another
// kind of device or another cuBLAS; the message has the path and the line.
std::unique_ptr<Backend> open_tuned_cuda_engine(const CudaLibrary& library, int32_t device,
                                                CudaPrecision precision, const std::string& file);

}  // namespace chainrule
