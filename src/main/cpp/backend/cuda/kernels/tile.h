// The instructions of the tile kernel (tile.cpp). An instruction is what a block does with a tile of samples between
// two barriers.
#pragma once

#include "backend/cuda/kernels/losses.h"
#include "backend/cuda/tiles.h"

namespace chainrule {
namespace cuda {
namespace tile {

enum class Action : int32_t {
  copy_weight,       // copies A of the next product to the stage
  multiply,          // C = α A B + β C for the tile's samples, with A in the stage
  multiply_samples,  // C = α A B + β C, summed over the samples of the tile, or over all tiles of its part
  unary_forward,
  unary_backward,
  transpose_in,
  transpose_out,
  add_lanes,   // row_sum: writes a few sums per row to the stage
  add_rows,    // row_sum: adds these
  loss,        // a phase of the kernels in losses.h
  loss_value,  // of a batch that is a single tile
};

// A matrix in device memory or in the block's shared memory. Its columns are samples. In a product over samples, A is
// i x samples and B is samples x j.
struct Place {
  char* data = nullptr;   // in device memory
  int32_t offset = 0;     // in shared memory, in elements
  bool in_block = false;  // The matrix is in shared memory.
  int32_t row_stride = 0, column_stride = 0;
};

struct Instruction {
  Action action = Action::loss;
  Op op = Op::identity;
  int32_t phase = 0;                     // loss: the phase of its kernel
  StepWords words;                       // random rules
  int32_t rows = 0, columns = 0, k = 0;  // of C = A B or of the copied weight; otherwise rows of the domain
  int64_t samples = 0;                   // of the batch
  float constant = 0, factor = 0;
  bool accumulate = false, accumulate2 = false, labels = false, in_parts = false;
  Place places[max_operands];
  const Scalars* scalars = nullptr;
};

// The size of a kernel parameter that contains max_instructions instructions and the numbers of tiles and instructions.
constexpr size_t parameter_bytes = 16 + max_instructions * sizeof(Instruction);
static_assert(parameter_bytes == 14352,
              "tools/gpu/probe/kernels.cu tries a parameter of this size: change both");

using TileLanes = LanesOf<4>;
constexpr int32_t threads = TileLanes::threads;
static_assert(TileLanes::columns == tile_samples);

// The 128 threads of a product form a grid of 16 x 8. Each computes elements of C in four columns and up to four rows.
constexpr int32_t grid_rows = 16, grid_columns = 8, thread_columns = 4;
static_assert(grid_rows * grid_columns == threads && grid_columns * thread_columns == tile_samples);
// Threads per row of a row_sum.
constexpr int32_t row_lanes = 8;
static_assert(tile_rows * row_lanes <= stage_elements);

template <class Rule>
using LossKernel = ElementwiseLoss<float, Rule, TileLanes>;
using SoftmaxLossKernel = CrossEntropy<float, TileLanes>;

struct Shared {
  alignas(16) float values[tile_scratch_bytes / sizeof(float)];
  // Used within one step: a weight, the sums of rows, or the sums of a loss.
  union {
    alignas(16) float stage[stage_elements];
    LossKernel<SquaredError>::Shared loss;  // the same type for every rule
    SoftmaxLossKernel::Shared softmax_loss;
  };
};
static_assert(sizeof(Shared) <= 64 * 1024, "the shared memory per block that every supported card provides");

// One instruction on one tile, as one of the block's threads executes it.
struct TileThread {
  const Instruction& instruction;
  Shared& shared;
  int64_t tile, part;  // the tile's index in the batch, and the index of its part
  int32_t turn;        // the tile's index in its part
  int32_t thread;      // the thread's index in the block

  DEVICE int64_t first() const { return tile * tile_samples; }
  DEVICE int32_t samples() const {
    const int64_t left = instruction.samples - first();
    return static_cast<int32_t>(left < tile_samples ? left : tile_samples);
  }

  // Returns the address of a matrix's first element.
  DEVICE float* begin(int32_t place) const {
    const Place& matrix = instruction.places[place];
    return matrix.in_block ? shared.values + matrix.offset : reinterpret_cast<float*>(matrix.data);
  }
  // Returns the address of the tile's first sample in a matrix whose samples are `stride` elements apart.
  DEVICE float* own(int32_t place, int64_t stride) const {
    return begin(place) + (instruction.places[place].in_block ? 0 : first() * stride);
  }
  // Returns a view of a matrix in which column c is sample c of the batch.
  DEVICE View<float> view(int32_t place) const {
    const Place& matrix = instruction.places[place];
    return {begin(place) - (matrix.in_block ? first() * matrix.column_stride : 0), matrix.row_stride,
            matrix.column_stride};
  }

  // s = α sum + β s. If the sum is computed in parts, s is a part: its first tile sets it, the others add to it.
  DEVICE void add_up(float* s, float sum) const {
    if (instruction.in_parts) {
      *s = turn == 0 ? sum : *s + sum;
      return;
    }
    const float alpha = instruction.scalars->alpha_float, beta = instruction.scalars->beta_float;
    *s = alpha * sum + (beta == 0 ? 0.0f : beta * *s);
  }
};

// ---- products

DEVICE void copy_weight(const TileThread& at) {
  const float* const from = at.begin(1);
  const int64_t stride = at.instruction.places[1].row_stride;
  const int32_t columns = at.instruction.columns;
  for (int32_t i = at.thread; i < at.instruction.rows * columns; i += threads) {
    const int32_t r = i / columns, c = i - r * columns;
    at.shared.stage[r * (columns + 1) + c] = from[r * stride + c];
  }
}

// The factors of a product as they are stored. A(i, k) is a[i * a_i + k * a_k], B(k, j) is b[k * b_k + j * b_j].
struct Factors {
  const float *a, *b;
  int64_t a_i, a_k, b_k, b_j;
  int32_t m, n, k;
};

// Computes C(i, j) for `thread_rows` rows i, which begin at first_i and are grid_rows apart, and for `thread_columns`
// columns j, which begin at first_j and are grid_columns apart. Adjacent threads have adjacent rows and columns. So
// they read different banks if the stride is tile_stride or odd. `along_a` and `along_b` say that the factor's elements
// are contiguous along k.
template <int32_t thread_rows, bool along_a, bool along_b>
DEVICE void multiply_block(const TileThread& at, const Factors& factors, float* c, int64_t c_i,
                           int32_t first_i, int32_t first_j) {
  const float *a[thread_rows], *b[thread_columns];
  float sums[thread_rows][thread_columns];
  CHAINRULE_UNROLL
  for (int32_t y = 0; y < thread_rows; ++y) {
    const int32_t i = first_i + grid_rows * y;
    // Beyond the last row, the last row is read and not used.
    a[y] = factors.a + (i < factors.m ? i : factors.m - 1) * factors.a_i;
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < thread_columns; ++x) sums[y][x] = 0;
  }
  CHAINRULE_UNROLL
  for (int32_t x = 0; x < thread_columns; ++x) {
    const int32_t j = first_j + grid_columns * x;
    b[x] = factors.b + (j < factors.n ? j : factors.n - 1) * factors.b_j;
  }
  const int64_t a_k = along_a ? 1 : factors.a_k, b_k = along_b ? 1 : factors.b_k;
  CHAINRULE_UNROLL_BY_4
  for (int32_t k = 0; k < factors.k; ++k) {
    float b_values[thread_columns];
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < thread_columns; ++x) b_values[x] = b[x][k * b_k];
    CHAINRULE_UNROLL
    for (int32_t y = 0; y < thread_rows; ++y) {
      const float a_value = a[y][k * a_k];
      CHAINRULE_UNROLL
      for (int32_t x = 0; x < thread_columns; ++x)
        sums[y][x] = math::mul_add(a_value, b_values[x], sums[y][x]);
    }
  }
  CHAINRULE_UNROLL
  for (int32_t y = 0; y < thread_rows; ++y) {
    const int32_t i = first_i + grid_rows * y;
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < thread_columns; ++x) {
      const int32_t j = first_j + grid_columns * x;
      if (i < factors.m && j < factors.n) at.add_up(c + i * c_i + j, sums[y][x]);
    }
  }
}

template <int32_t thread_rows, bool along_a, bool along_b>
DEVICE void multiply_blocks(const TileThread& at, const Factors& factors, float* c, int64_t c_i) {
  const int32_t i = at.thread / grid_columns, j = at.thread % grid_columns;
  for (int32_t first_i = i; first_i < factors.m; first_i += grid_rows * thread_rows) {
    for (int32_t first_j = j; first_j < factors.n; first_j += grid_columns * thread_columns) {
      multiply_block<thread_rows, along_a, along_b>(at, factors, c, c_i, first_i, first_j);
    }
  }
}

template <bool along_a, bool along_b>
DEVICE void multiply(const TileThread& at, const Factors& factors, float* c, int64_t c_i) {
  if (factors.m <= grid_rows) {
    multiply_blocks<1, along_a, along_b>(at, factors, c, c_i);
  } else if (factors.m <= 2 * grid_rows) {
    multiply_blocks<2, along_a, along_b>(at, factors, c, c_i);
  } else {
    multiply_blocks<4, along_a, along_b>(at, factors, c, c_i);
  }
}

DEVICE void multiply(const TileThread& at) {
  const Place &a = at.instruction.places[1], &b = at.instruction.places[2], &c = at.instruction.places[0];
  const Factors factors{
      at.shared.stage, at.own(2, b.column_stride), a.row_stride, a.column_stride, b.row_stride,
      b.column_stride, at.instruction.rows,        at.samples(), at.instruction.k};
  float* const result = at.own(0, 1);
  if (a.column_stride == 1) {
    multiply<true, false>(at, factors, result, c.row_stride);
  } else {
    multiply<false, false>(at, factors, result, c.row_stride);
  }
}

DEVICE void multiply_samples(const TileThread& at) {
  const Place &a = at.instruction.places[1], &b = at.instruction.places[2], &c = at.instruction.places[0];
  const Factors factors{at.own(1, a.column_stride),
                        at.own(2, b.row_stride),
                        a.row_stride,
                        a.column_stride,
                        b.row_stride,
                        b.column_stride,
                        at.instruction.rows,
                        at.instruction.columns,
                        at.samples()};
  float* const result =
      at.begin(0) + (at.instruction.in_parts ? at.part * at.instruction.rows * c.row_stride : 0);
  multiply<true, true>(at, factors, result, c.row_stride);
}

// ---- rules

// Calls body(r, c) for the tile's elements. Adjacent threads have adjacent samples, or adjacent features if
// `by_feature`.
template <class Body>
DEVICE void for_elements(const TileThread& at, bool by_feature, Body body) {
  const int32_t rows = at.instruction.rows, samples = at.samples();
  if (by_feature) {
    for (int32_t i = at.thread; i < rows * samples; i += threads) {
      const int32_t c = i / rows;
      body(i - c * rows, at.first() + c);
    }
    return;
  }
  const int32_t c = at.thread % TileLanes::columns;
  for (int32_t r = at.thread / TileLanes::columns; r < rows && c < samples; r += TileLanes::lanes) {
    body(r, at.first() + c);
  }
}

template <class Rule>
DEVICE void unary_forward(const TileThread& at) {
  const View<float> a = at.view(0), z = at.view(1), bias = at.view(2);
  const float constant = at.instruction.constant;
  const bool has_bias = bias.data != nullptr;
  [[maybe_unused]] const View<float> derivative = at.view(3);
  [[maybe_unused]] const bool has_derivative = derivative.data != nullptr;
  for_elements(at, false, [&](int64_t r, int64_t c) {
    const float x = has_bias ? *z.at(r, c) + *bias.at(r, c) : *z.at(r, c);
    if constexpr (is_random<Rule>(0)) {
      uint32_t word[1];
      at.instruction.words.get(r, c, word);
      *a.at(r, c) = Rule::forward(x, constant, word[0]);
    } else if constexpr (Rule::saves == Saves::derivative) {
      const WithDerivative<float> both = Rule::with_derivative(x, constant);
      *a.at(r, c) = both.value;
      if (has_derivative) *derivative.at(r, c) = both.derivative;
    } else {
      *a.at(r, c) = Rule::forward(x, constant);
    }
  });
}

template <class Rule>
DEVICE void unary_backward(const TileThread& at) {
  const View<float> d_z = at.view(0), delta = at.view(1);
  const View<float> saved = Rule::saves == Saves::nothing ? delta : at.view(2);
  const float constant = at.instruction.constant;
  for_elements(at, false, [&](int64_t r, int64_t c) {
    float value;
    if constexpr (is_random<Rule>(0)) {
      uint32_t word[1];
      at.instruction.words.get(r, c, word);
      value = Rule::backward(*delta.at(r, c), *saved.at(r, c), constant, word[0]);
    } else {
      value = Rule::backward(*delta.at(r, c), *saved.at(r, c), constant);
    }
    float* const place = d_z.at(r, c);
    *place = at.instruction.accumulate ? *place + value : value;
  });
}

// Executes the instruction's elementwise rule.
DEVICE void unary(const TileThread& at) {
  const bool forward = at.instruction.action == Action::unary_forward;
  switch (at.instruction.op) {
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return forward ? unary_forward<Rule>(at) : unary_backward<Rule>(at);
    CHAINRULE_UNARY_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return;
  }
}

// to = from. One of the matrices is the user's, [batch][feature]. Both are accessed along the user's rows.
DEVICE void transpose(const TileThread& at) {
  const View<float> to = at.view(0), from = at.view(1);
  const bool out = at.instruction.action == Action::transpose_out;
  // + 0 turns the -0 that ReLU stores into 0
  for_elements(at, true,
               [&](int64_t r, int64_t c) { *to.at(r, c) = out ? *from.at(r, c) + 0.0f : *from.at(r, c); });
}

// ---- sums and losses

DEVICE void add_lanes(const TileThread& at) {
  const View<float> x = at.view(1);
  const int32_t lane = at.thread % row_lanes;
  for (int32_t r = at.thread / row_lanes; r < at.instruction.rows; r += threads / row_lanes) {
    float sum = 0;
    for (int32_t c = lane; c < at.samples(); c += row_lanes) sum += *x.at(r, at.first() + c);
    at.shared.stage[r * row_lanes + lane] = sum;
  }
}

DEVICE void add_rows(const TileThread& at) {
  for (int32_t r = at.thread; r < at.instruction.rows; r += threads) {
    float sum = 0;
    CHAINRULE_UNROLL
    for (int32_t lane = 0; lane < row_lanes; ++lane) sum += at.shared.stage[r * row_lanes + lane];
    const int64_t row = at.instruction.in_parts ? at.part * at.instruction.rows + r : r;
    at.add_up(at.begin(0) + row * at.instruction.places[0].row_stride, sum);
  }
}

template <class Kernel>
DEVICE void loss(const TileThread& at, const Kernel& kernel, typename Kernel::Shared& shared) {
  const Thread thread{at.tile, at.thread};
  None none;
  switch (at.instruction.phase) {
    case 0: return kernel.template run<0>(thread, shared, none);
    case 1: return kernel.template run<1>(thread, shared, none);
    case 2: return kernel.template run<2>(thread, shared, none);
    case 3: return kernel.template run<3>(thread, shared, none);
    default: return kernel.template run<Kernel::phases - 1>(thread, shared, none);
  }
}

DEVICE void loss(const TileThread& at) {
  const Instruction& instruction = at.instruction;
  const LossOperands<float> operands{
      reinterpret_cast<double*>(instruction.places[0].data),
      at.view(1),
      at.view(2),
      at.view(3),
      at.view(4),
      instruction.labels ? reinterpret_cast<const int32_t*>(instruction.places[2].data) : nullptr,
      reinterpret_cast<const float*>(instruction.places[5].data),
      instruction.constant,
      instruction.factor,
      instruction.rows,
      instruction.samples,
      instruction.accumulate,
      instruction.accumulate2};
  switch (instruction.op) {
    case Op::softmax_cross_entropy:
      return loss(at, SoftmaxLossKernel{operands, instruction.samples}, at.shared.softmax_loss);
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return loss(at, LossKernel<Rule>{operands, instruction.samples}, at.shared.loss);
      CHAINRULE_LOSS_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return;
  }
}

DEVICE void loss_value(const TileThread& at) {
  if (at.thread > 0) return;
  const double partial = *reinterpret_cast<const double*>(at.instruction.places[1].data);
  *at.begin(0) = static_cast<float>(static_cast<double>(at.instruction.constant) * partial);
}

}  // namespace tile
}  // namespace cuda
}  // namespace chainrule
