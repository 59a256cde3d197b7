// What the kernel files offer. They are compiled once for each instruction set, each time in a namespace of its own
// (util/host_device.h): nothing that is instantiated here may be shared between levels, or the linker could keep an
// AVX-512 copy for a processor that has none. So no standard-library templates in these files.
#pragma once

#include "backend/cpu/kernel.h"
#include "ops/rules.h"
#include "util/host_device.h"

// The iterations of the next loop do not depend on each other, though operands may be the same memory (in place).
#if defined(__clang__)
#define CHAINRULE_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define CHAINRULE_VECTORIZE _Pragma("GCC ivdep")
#else
#define CHAINRULE_VECTORIZE
#endif

// On a lambda: its body is part of the loop that calls it.
#if defined(__GNUC__)
#define CHAINRULE_INLINED __attribute__((always_inline))
#else
#define CHAINRULE_INLINED
#endif

namespace chainrule {

inline namespace CHAINRULE_ISA {

// The kernel of a step, or null when the file has none for its kind.
Kernel find_elementwise(const Step& step, DType dtype);
Kernel find_rowwise(const Step& step, DType dtype);
Kernel find_loss(const Step& step, DType dtype);
Kernel find_layout(const Step& step, DType dtype);
Kernel find_update(const Step& step, DType dtype);

// Columns that a row-wise kernel works on at a time: its sums live in registers and L1.
constexpr int64_t column_block = 64;

// An operand's memory in one run.
template <class T>
struct View {
  T* data;
  int64_t row_stride;
  bool spread;  // one value a row

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
CHAINRULE_INLINE void store(T& place, T value, bool accumulate) {
  place = accumulate ? place + value : value;
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
