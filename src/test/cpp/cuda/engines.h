// The CUDA engines on which the tests in this folder run. In builds without CUDA (cppbuild.sh test) the source of the
// engine runs on an emulated device (emulated/). chainrule_cuda_test uses the CUDA library and a GPU (real/).
#pragma once

#include "backend/backend.h"
#include "backend/cuda/library.h"

namespace test {

// Returns the function table of the library under test.
const chainrule::CudaLibrary& cuda_library();

// Returns null if there is no GPU. Then the test must be skipped.
chainrule::Backend* cuda_engine(chainrule::CudaPrecision precision);

// Returns true if the device is emulated.
bool cuda_is_emulated();

}  // namespace test

// Defines the reference `name` to the engine. If there is no GPU, skips the test and returns from it.
#define CUDA_ENGINE_OR_SKIP(name, precision)                               \
  chainrule::Backend* const name##_or_null = test::cuda_engine(precision); \
  if (name##_or_null == nullptr) {                                         \
    test::skip("no CUDA device");                                          \
    return;                                                                \
  }                                                                        \
  chainrule::Backend& name = *name##_or_null
