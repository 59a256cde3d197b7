// The device is a GPU: only chainrule_cuda_test has this file, in place of emulated/.
#include "cuda/engines.h"

namespace test {

bool cuda_is_emulated() { return false; }

}  // namespace test
