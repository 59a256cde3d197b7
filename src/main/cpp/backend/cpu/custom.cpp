#include "backend/cpu/custom.h"

#include <vector>

#include "ops/custom.h"

namespace chainrule {

namespace {

// The operands in the host's format: dense rows of doubles. Each thread keeps its buffers, so that a step allocates
// only the first time.
struct Buffers {
  std::vector<double> operands[4];
};

Buffers& buffers() {
  thread_local Buffers instance;
  return instance;
}

template <class T>
T* row(const Step& step, const Context& context, int32_t operand, int64_t r) {
  const Operand& at = step.operands[operand];
  return reinterpret_cast<T*>(context.base[static_cast<int32_t>(at.space)] + at.offset) + r * at.row_stride;
}

template <class T>
const double* gather(const Step& step, const Context& context, int32_t operand) {
  std::vector<double>& values = buffers().operands[operand];
  values.resize(static_cast<size_t>(step.rows * step.columns));
  double* to = values.data();
  for (int64_t r = 0; r < step.rows; ++r) {
    const T* from = row<T>(step, context, operand, r);
    for (int64_t c = 0; c < step.columns; ++c) *to++ = static_cast<double>(from[c]);
  }
  return values.data();
}

template <class T>
void run(const Step& step, const Context& context, const Rect&) {
  const bool backward = step.kind == StepKind::custom_backward;
  const int64_t count = step.rows * step.columns;
  std::vector<double>& result = buffers().operands[0];
  result.resize(static_cast<size_t>(count));
  if (backward) {
    const double* delta = gather<T>(step, context, 1);
    const double* z = gather<T>(step, context, 2);
    const double* a = gather<T>(step, context, 3);
    call_custom(step.custom, true, count, delta, z, a, result.data());
  } else {
    call_custom(step.custom, false, count, nullptr, gather<T>(step, context, 1), nullptr, result.data());
  }
  const double* from = result.data();
  for (int64_t r = 0; r < step.rows; ++r) {
    T* to = row<T>(step, context, 0, r);
    for (int64_t c = 0; c < step.columns; ++c) {
      to[c] = (step.accumulate ? to[c] : T(0)) + static_cast<T>(*from++);
    }
  }
}

}  // namespace

Kernel custom_kernel(DType dtype) { return dtype == DType::float32 ? run<float> : run<double>; }

}  // namespace chainrule
