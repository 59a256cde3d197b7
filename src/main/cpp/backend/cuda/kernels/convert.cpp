// Converts a factor of products to bfloat16. The copy is stored in scratch.
#include "backend/cuda/kernels/convert.h"

#include "backend/cuda/kernels/kernels.h"

namespace chainrule {
namespace cuda {

namespace {

// A thread converts eight adjacent elements of a row. It reads two packs and writes one.
struct ToBfloat16 {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  View<float> from;
  uint16_t* to;
  int64_t rows, columns, packs_per_row;
  bool in_packs;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    constexpr int32_t written = pack_width<uint16_t>, read = pack_width<float>;
    const int64_t index = at.block * threads + at.thread;
    if (index >= rows * packs_per_row) return;
    const int64_t r = divide(index, packs_per_row), c = (index - r * packs_per_row) * written;
    // Rows are padded to whole packs. The padding is zero and is not used.
    Pack<uint16_t> converted;
    CHAINRULE_UNROLL
    for (int32_t first = 0; first < written; first += read) {
      const int64_t left = columns - c - first;
      Pack<float> values;
      load(values, from, r, c + first, left < read ? static_cast<int32_t>(left) : read,
           in_packs && left >= read);
      CHAINRULE_UNROLL
      for (int32_t i = 0; i < read; ++i) converted.v[first + i] = to_bfloat16(values.v[i]);
    }
    *reinterpret_cast<Pack<uint16_t>*>(to + r * packs_per_row * written + c) = converted;
  }
};

void convert(const Launch& launch, const Run& run) {
  const Step& step = launch.step;
  const View<float> from = view<float>(run, step.operands[1]);
  const int64_t packs_per_row = bfloat16_stride(step.columns) / pack_width<uint16_t>;
  cuda::launch(run.queue, ceil_div(step.rows * packs_per_row, ToBfloat16::threads),
               ToBfloat16{from, reinterpret_cast<uint16_t*>(run.scratch + launch.copies[0]), step.rows,
                          step.columns, packs_per_row, in_packs(from, step.rows)});
}

}  // namespace

Launcher conversion_launcher() { return convert; }

}  // namespace cuda
}  // namespace chainrule
