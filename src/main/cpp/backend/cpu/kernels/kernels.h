// The interface of the kernel files. They are compiled once per instruction set, each time in its own namespace
// (util/host_device.h). Two levels must not share an instantiated function: the linker keeps only one copy, which could
// be the AVX-512 one, and an older processor could not run it. So these files must not use templates of the standard
// library.
#pragma once

#include "backend/cpu/kernel.h"
#include "ops/rules.h"
#include "util/host_device.h"

// States that the iterations of the next loop do not depend on each other, although operands may alias (in place).
#if defined(__clang__)
#define CHAINRULE_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define CHAINRULE_VECTORIZE _Pragma("GCC ivdep")
#else
#define CHAINRULE_VECTORIZE
#endif

// On a lambda: inlines its body into the loop that calls it.
#if defined(__GNUC__)
#define CHAINRULE_INLINED __attribute__((always_inline))
#else
#define CHAINRULE_INLINED
#endif

namespace chainrule {

inline namespace CHAINRULE_ISA {

// Return the kernel of a step, or null if the file has no kernel for its kind.
Kernel find_elementwise(const Step& step, DType dtype);
Kernel find_rowwise(const Step& step, DType dtype);
Kernel find_loss(const Step& step, DType dtype);
Kernel find_layout(const Step& step, DType dtype);
Kernel find_update(const Step& step, DType dtype);

// The number of columns that a row-wise kernel (rowwise.cpp: it uses all features of a sample) processes at a time. Its
// sums then fit into registers and the first-level cache.
constexpr int64_t column_block = 64;

// An operand's address and layout in one run.
template <class T>
struct View {
  T* data;
  int64_t row_stride;
  bool spread;  // one value per row, broadcast to all columns

  T* row(int64_t r) const { return data + r * row_stride; }
};

template <class T>
View<T> view(const Context& context, const Operand& operand) {
  if (!operand.present()) return {nullptr, 0, true};
  char* base = operand.space == Space::input    ? static_cast<char*>(context.inputs[operand.slot])
               : operand.space == Space::output ? static_cast<char*>(context.outputs[operand.slot])
                                                : context.base[static_cast<int32_t>(operand.space)];
  return {reinterpret_cast<T*>(base + operand.offset), operand.row_stride, operand.column_stride == 0};
}

template <class T>
CHAINRULE_INLINE void store(T& target, T value, bool accumulate) {
  target = accumulate ? target + value : value;
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
