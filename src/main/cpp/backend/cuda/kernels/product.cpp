// Products: factors converted to bfloat16 where that was asked for, then the BLAS.
#include "backend/cuda/kernels/convert.h"
#include "backend/cuda/kernels/kernels.h"

namespace chainrule {
namespace cuda {

namespace {

// A thread converts four neighbouring elements of a row.
struct ToBfloat16 {
  static constexpr int threads = 256, phases = 1;
  using Shared = None;
  using Local = None;

  View<float> from;
  uint16_t* to;
  int64_t rows, columns, packs_a_row;
  bool in_packs;

  template <int>
  DEVICE void run(Thread at, None&, None&) const {
    constexpr int32_t width = pack_width<float>;
    const int64_t index = at.block * threads + at.thread;
    if (index >= rows * packs_a_row) return;
    const int64_t r = divide(index, packs_a_row), c = (index - r * packs_a_row) * width;
    const int32_t count = columns - c < width ? static_cast<int32_t>(columns - c) : width;
    Pack<float> values;
    load(values, from, r, c, count, in_packs && count == width);
    // Rows are padded to whole packs: what is there besides the values is zero, and not used.
    Four four;
    CHAINRULE_UNROLL
    for (int32_t i = 0; i < width; ++i) four.v[i] = to_bfloat16(values.v[i]);
    *reinterpret_cast<Four*>(to + r * bfloat16_stride(columns) + c) = four;
  }

  struct alignas(8) Four {
    uint16_t v[4];
  };
};

// A factor as bfloat16, in scratch.
const char* convert(const Run& run, const View<float>& from, int64_t rows, int64_t columns, char* to) {
  const int64_t packs_a_row = ceil_div(columns, pack_width<float>);
  launch(run.queue, ceil_div(rows * packs_a_row, ToBfloat16::threads),
         ToBfloat16{from, reinterpret_cast<uint16_t*>(to), rows, columns, packs_a_row, in_packs(from, rows)});
  return to;
}

void product(const Launch& launch, const Run& run) {
  const Step& step = launch.step;
  const View<char> c = view<char>(run, step.operands[0]);
  const char *a = view<char>(run, step.operands[1]).data, *b = view<char>(run, step.operands[2]).data;
  if (launch.converts) {
    const FactorRoom room(step);
    a = convert(run, view<float>(run, step.operands[1]), room.a_rows, room.a_columns, run.scratch);
    b = convert(run, view<float>(run, step.operands[2]), room.b_rows, room.b_columns,
                run.scratch + room.a_bytes);
  }
  const Scalars* scalars = run.scalars + launch.step_index;
  const float alpha_float = static_cast<float>(step.alpha.constant),
              beta_float = static_cast<float>(step.beta.constant);
  const void *alpha = &alpha_float, *beta = &beta_float;
  if (launch.scalars_on_device) {
    alpha = launch.is_double ? static_cast<const void*>(&scalars->alpha) : &scalars->alpha_float;
    beta = launch.is_double ? static_cast<const void*>(&scalars->beta) : &scalars->beta_float;
  } else if (launch.is_double) {
    alpha = &step.alpha.constant;
    beta = &step.beta.constant;
  }
  launch.products->run(run.queue, *launch.product, a, b, c.data, alpha, beta, run.workspace);
}

}  // namespace

Launcher product_launcher() { return product; }

}  // namespace cuda
}  // namespace chainrule
