// The file in which a CUDA engine keeps the algorithms that it chose for products by timing them (docs/formats.md).
#pragma once

#include <memory>
#include <string>

#include "backend/cuda/proxy.h"

namespace chainrule {

// As open_cuda_engine, tuned: what the file has for this kind of device and this version of cuBLAS is used, the rest is
// timed when a program is prepared, and added. A file that is not there is made at once. Throws Error when it cannot be
// read or written, is damaged, or belongs to another device or cuBLAS; sentences name the file, and the line.
std::unique_ptr<Backend> open_tuned_cuda_engine(const CudaLibrary& library, int32_t device,
                                                CudaPrecision precision, const std::string& file);

}  // namespace chainrule
