#include "cuda/engines.h"

#include <memory>

#include "backend/cuda/proxy.h"

extern "C" const chainrule::CudaLibrary* chainrule_cuda_library(void);

namespace test {

using namespace chainrule;

const CudaLibrary& cuda_library() { return *chainrule_cuda_library(); }

Backend* cuda_engine(CudaPrecision precision) {
  static std::unique_ptr<Backend> engines[3];
  static const bool available = cuda_versions(cuda_library()).devices > 0;
  if (!available) return nullptr;
  std::unique_ptr<Backend>& engine = engines[static_cast<int32_t>(precision)];
  if (engine == nullptr) engine = open_cuda_engine(cuda_library(), 0, precision);
  return engine.get();
}

}  // namespace test
