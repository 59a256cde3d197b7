// Shared by the kernel files: views of operands, random words, and packs, which a thread reads and writes at once.
#pragma once

#include "backend/cuda/launch.h"
#include "backend/cuda/program.h"
#include "ops/random_words.h"
#include "ops/rules.h"
#include "util/host_device.h"

namespace chainrule {
namespace cuda {

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// An operand in one run. Element (r, c) is data[r * row_stride + c * column_stride].
template <class T>
struct View {
  T* data = nullptr;
  int64_t row_stride = 0;
  int64_t column_stride = 0;

  HOST_DEVICE T* at(int64_t r, int64_t c) const { return data + (r * row_stride + c * column_stride); }
};

template <class T>
View<T> view(const Run& run, const Operand& operand) {
  if (!operand.present()) return {};
  char* base = operand.space == Space::input    ? run.inputs[operand.slot]
               : operand.space == Space::output ? run.outputs[operand.slot]
                                                : run.base[static_cast<int32_t>(operand.space)];
  return {reinterpret_cast<T*>(base + operand.offset), operand.row_stride, operand.column_stride};
}

// Computes the random words of a step's elements for a random rule.
struct StepWords {
  const Arguments* arguments = nullptr;
  int32_t node = -1;
  bool by_sample = false, after_check = false;

  // For a step of the launch. In a launch of the tile kernel, even a backward rule may run before the loss check.
  static StepWords of(const Run& run, const Launch& launch, const Step& step) {
    return {run.arguments, step.node, step.by_sample, launch.after_check};
  }

  // Computes the words of elements (r, c) to (r, c + count - 1).
  template <int32_t count>
  DEVICE void get(int64_t r, int64_t c, uint32_t (&words)[count]) const {
    const StepNumbers& now = after_check ? arguments->trained : arguments->numbers[arguments->step];
    const RandomWords random = RandomWords::of(arguments->seed, now.step, node);
    const int64_t first = by_sample ? now.first_sample + c : c;
    PhiloxWords four = random.four(r, first >> 2);
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < count; ++i) {
      const int64_t sample = first + i;
      if (i > 0 && (sample & 3) == 0) four = random.four(r, sample >> 2);
      words[i] = word_of(four, static_cast<int32_t>(sample & 3));
    }
  }
};

// The number of adjacent elements that one access reads or writes: 16 bytes.
template <class T>
constexpr int32_t pack_width = 16 / static_cast<int32_t>(sizeof(T));

template <class T>
struct alignas(16) Pack {
  T v[pack_width<T>];
};

// Reads up to a pack from (r, c) on. `count` elements exist. If `whole`, all of the pack exists and is aligned, and is
// read at once.
template <class T>
DEVICE void load(Pack<T>& pack, const View<T>& from, int64_t r, int64_t c, int32_t count, bool whole) {
  const T* place = from.at(r, c);
  if (from.column_stride == 0) {
    const T value = *place;
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < pack_width<T>; ++i) pack.v[i] = value;
  } else if (whole) {
    pack = *reinterpret_cast<const Pack<T>*>(place);
  } else {
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < pack_width<T>; ++i) pack.v[i] = i < count ? place[i] : T(0);
  }
}

template <class T>
DEVICE void store(const Pack<T>& pack, const View<T>& to, int64_t r, int64_t c, int32_t count, bool whole) {
  T* place = to.at(r, c);
  if (whole) {
    *reinterpret_cast<Pack<T>*>(place) = pack;
  } else {
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < pack_width<T>; ++i) {
      if (i < count) place[i] = pack.v[i];
    }
  }
}

// Returns index / divisor. Uses a 32-bit division, which is faster, if both numbers fit.
DEVICE int64_t divide(int64_t index, int64_t divisor) {
  if (((index | divisor) >> 32) == 0) return static_cast<uint32_t>(index) / static_cast<uint32_t>(divisor);
  return index / divisor;
}

// Returns true if the rows of the operand can be read in packs.
template <class T>
bool in_packs(const View<T>& view, int64_t rows) {
  if (view.column_stride == 0) return true;
  return reinterpret_cast<uintptr_t>(view.data) % sizeof(Pack<T>) == 0 &&
         (rows == 1 || view.row_stride % pack_width<T> == 0);
}

// Returns the larger number, or NaN if either number is NaN.
template <class T>
DEVICE T max_or_nan(T max, T z) {
  return max < z || z != z ? z : max;
}

}  // namespace cuda
}  // namespace chainrule
