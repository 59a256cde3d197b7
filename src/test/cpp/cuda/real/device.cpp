// The device is a GPU. Only chainrule_cuda_test contains this file, instead of those in emulated/.
#include "cuda/engines.h"

namespace test {

bool cuda_is_emulated() { return false; }

}  // namespace test
