// The CUDA engines that the tests in this folder run on. Where they are built without CUDA (cppbuild.sh test) the engine's
// own source runs on an emulated device (emulated/); chainrule_cuda_test has the library itself and a GPU (real/).
#pragma once

#include "backend/backend.h"
#include "backend/cuda/library.h"

namespace test {

// The table of the library under test.
const chainrule::CudaLibrary& cuda_library();

// Null where no GPU is: then the test is to be skipped.
chainrule::Backend* cuda_engine(chainrule::CudaPrecision precision);

// Is the device an emulated one?
bool cuda_is_emulated();

}  // namespace test

// Names the engine, or leaves the test visibly.
#define CUDA_ENGINE_OR_SKIP(name, precision)                               \
  chainrule::Backend* const name##_or_null = test::cuda_engine(precision); \
  if (name##_or_null == nullptr) {                                         \
    test::skip("no CUDA device");                                          \
    return;                                                                \
  }                                                                        \
  chainrule::Backend& name = *name##_or_null
