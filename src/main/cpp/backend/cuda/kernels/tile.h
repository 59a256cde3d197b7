// What a block does with a tile of samples between two barriers: the instructions of the tile kernel (tile.cpp).
#pragma once

#include "backend/cuda/kernels/losses.h"
#include "backend/cuda/tiles.h"

namespace chainrule {
namespace cuda {
namespace tile {

enum class Action : int32_t {
  copy_weight,       // A of the product that follows, into the stage
  multiply,          // C = α A B + β C for the tile's samples, A from the stage
  multiply_samples,  // C = α A B + β C, summed over samples: the tile's, or those of all tiles of its part
  unary_forward,
  unary_backward,
  move_in,     // transpose_in
  move_out,    // transpose_out
  add_lanes,   // of a row_sum: a few sums a row, into the stage
  add_rows,    // and the sum of these
  loss,        // a phase of the kernels in losses.h
  loss_value,  // of the only tile
};

// A matrix, in memory or in the block's own. Samples lie along its columns; in a product over samples A is i x samples and
// B samples x j.
struct Place {
  char* data = nullptr;
  int32_t offset = 0;  // in elements, of what is in the block's memory
  bool in_block = false;
  int32_t row_stride = 0, column_stride = 0;
};

struct Instruction {
  Action action = Action::loss;
  Op op = Op::identity;
  int32_t phase = 0;                     // of a loss
  StepWords words;                       // of a random rule
  int32_t rows = 0, columns = 0, k = 0;  // of C = A B, of the copied weight; else rows are the domain's
  int64_t samples = 0;                   // of the batch
  float constant = 0, factor = 0;
  bool accumulate = false, accumulate2 = false, labels = false, in_parts = false;
  Place places[max_operands];
  const Scalars* scalars = nullptr;
};

// Of a launch that has its instructions as a parameter: they, and how many tiles and instructions there are.
constexpr size_t parameter_bytes = 16 + max_instructions * sizeof(Instruction);

using TileLanes = LanesOf<4>;
constexpr int32_t threads = TileLanes::threads;
static_assert(TileLanes::columns == tile_samples);

// A product's threads: 16 x 8 share C, each with four columns, and as many rows as there are, up to four.
constexpr int32_t down = 16, across = 8, wide = 4;
static_assert(down * across == threads && across * wide == tile_samples);
// A sum of a row's: so many threads begin it.
constexpr int32_t row_lanes = 8;
static_assert(tile_rows * row_lanes <= stage_elements);

template <class Rule>
using LossKernel = ElementwiseLoss<float, Rule, TileLanes>;
using SoftmaxLossKernel = CrossEntropy<float, TileLanes>;

struct Shared {
  alignas(16) float values[tile_scratch_bytes / sizeof(float)];
  // Of one step only: a weight, the sums of rows, what a loss needs.
  union {
    alignas(16) float stage[stage_elements];
    LossKernel<SquaredError>::Shared loss;  // the same for every rule
    SoftmaxLossKernel::Shared softmax_loss;
  };
};
static_assert(sizeof(Shared) <= 64 * 1024, "what a block of every supported card can have");

// A instruction on one tile, as one of the block's threads sees it.
struct On {
  const Instruction& instruction;
  Shared& shared;
  int64_t tile, part;  // of the batch
  int32_t turn;        // of the tile within its part
  int32_t thread;

  DEVICE int64_t first() const { return tile * tile_samples; }
  DEVICE int32_t samples() const {
    const int64_t left = instruction.samples - first();
    return static_cast<int32_t>(left < tile_samples ? left : tile_samples);
  }

  // Where a matrix begins.
  DEVICE float* begin(int32_t place) const {
    const Place& of = instruction.places[place];
    return of.in_block ? shared.values + of.offset : reinterpret_cast<float*>(of.data);
  }
  // Where the tile's own part of it does, if samples are `stride` apart.
  DEVICE float* own(int32_t place, int64_t stride) const {
    return begin(place) + (instruction.places[place].in_block ? 0 : first() * stride);
  }
  // A matrix whose column c is sample c of the batch.
  DEVICE View<float> view(int32_t place) const {
    const Place& of = instruction.places[place];
    return {begin(place) - (of.in_block ? first() * of.column_stride : 0), of.row_stride, of.column_stride};
  }

  // s = α sum + β s, or a part's sum so far.
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

DEVICE void copy_weight(const On& on) {
  const float* const from = on.begin(1);
  const int64_t stride = on.instruction.places[1].row_stride;
  const int32_t columns = on.instruction.columns;
  for (int32_t i = on.thread; i < on.instruction.rows * columns; i += threads) {
    const int32_t r = i / columns, c = i - r * columns;
    on.shared.stage[r * (columns + 1) + c] = from[r * stride + c];
  }
}

// Factors as they lie: A(i, k) is a[i * a_i + k * a_k], B(k, j) likewise.
struct Factors {
  const float *a, *b;
  int64_t a_i, a_k, b_k, b_j;
  int32_t m, n, k;
};

// C(i, j) for i = first_i + down * (0 .. high), j = first_j + across * (0 .. wide). Neighbouring threads have neighbouring
// rows and columns, so that with strides of tile_stride, or of an odd number, what they read lies in different banks.
// Where `along_a` (`along_b`) says so, the factor's elements follow each other along k.
template <int32_t high, bool along_a, bool along_b>
DEVICE void multiply_block(const On& on, const Factors& of, float* c, int64_t c_i, int32_t first_i,
                           int32_t first_j) {
  const float *a[high], *b[wide];
  float sums[high][wide];
  CHAINRULE_UNROLL
  for (int32_t y = 0; y < high; ++y) {
    const int32_t i = first_i + down * y;
    a[y] =
        of.a + (i < of.m ? i : of.m - 1) * of.a_i;  // there is no row beyond: another's is read, and not used
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < wide; ++x) sums[y][x] = 0;
  }
  CHAINRULE_UNROLL
  for (int32_t x = 0; x < wide; ++x) {
    const int32_t j = first_j + across * x;
    b[x] = of.b + (j < of.n ? j : of.n - 1) * of.b_j;
  }
  const int64_t a_k = along_a ? 1 : of.a_k, b_k = along_b ? 1 : of.b_k;
  CHAINRULE_UNROLL_BY_4
  for (int32_t k = 0; k < of.k; ++k) {
    float x_of[wide];
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < wide; ++x) x_of[x] = b[x][k * b_k];
    CHAINRULE_UNROLL
    for (int32_t y = 0; y < high; ++y) {
      const float factor = a[y][k * a_k];
      CHAINRULE_UNROLL
      for (int32_t x = 0; x < wide; ++x) sums[y][x] = math::mul_add(factor, x_of[x], sums[y][x]);
    }
  }
  CHAINRULE_UNROLL
  for (int32_t y = 0; y < high; ++y) {
    const int32_t i = first_i + down * y;
    CHAINRULE_UNROLL
    for (int32_t x = 0; x < wide; ++x) {
      const int32_t j = first_j + across * x;
      if (i < of.m && j < of.n) on.add_up(c + i * c_i + j, sums[y][x]);
    }
  }
}

template <int32_t high, bool along_a, bool along_b>
DEVICE void multiply_blocks(const On& on, const Factors& of, float* c, int64_t c_i) {
  const int32_t i = on.thread / across, j = on.thread % across;
  for (int32_t first_i = i; first_i < of.m; first_i += down * high) {
    for (int32_t first_j = j; first_j < of.n; first_j += across * wide) {
      multiply_block<high, along_a, along_b>(on, of, c, c_i, first_i, first_j);
    }
  }
}

template <bool along_a, bool along_b>
DEVICE void multiply(const On& on, const Factors& of, float* c, int64_t c_i) {
  if (of.m <= down) {
    multiply_blocks<1, along_a, along_b>(on, of, c, c_i);
  } else if (of.m <= 2 * down) {
    multiply_blocks<2, along_a, along_b>(on, of, c, c_i);
  } else {
    multiply_blocks<4, along_a, along_b>(on, of, c, c_i);
  }
}

DEVICE void multiply(const On& on) {
  const Place &a = on.instruction.places[1], &b = on.instruction.places[2], &c = on.instruction.places[0];
  const Factors of{on.shared.stage, on.own(2, b.column_stride),
                   a.row_stride,    a.column_stride,
                   b.row_stride,    b.column_stride,
                   on.instruction.rows,    on.samples(),
                   on.instruction.k};
  float* const result = on.own(0, 1);
  if (a.column_stride == 1) {
    multiply<true, false>(on, of, result, c.row_stride);
  } else {
    multiply<false, false>(on, of, result, c.row_stride);
  }
}

DEVICE void multiply_samples(const On& on) {
  const Place &a = on.instruction.places[1], &b = on.instruction.places[2], &c = on.instruction.places[0];
  const Factors of{on.own(1, a.column_stride),
                   on.own(2, b.row_stride),
                   a.row_stride,
                   a.column_stride,
                   b.row_stride,
                   b.column_stride,
                   on.instruction.rows,
                   on.instruction.columns,
                   on.samples()};
  float* const result = on.begin(0) + (on.instruction.in_parts ? on.part * on.instruction.rows * c.row_stride : 0);
  multiply<true, true>(on, of, result, c.row_stride);
}

// ---- rules

// Calls body(r, c) for the tile's elements: threads that are neighbours have neighbouring samples, or features.
template <class Body>
DEVICE void for_elements(const On& on, bool by_feature, Body body) {
  const int32_t rows = on.instruction.rows, samples = on.samples();
  if (by_feature) {
    for (int32_t i = on.thread; i < rows * samples; i += threads) {
      const int32_t c = i / rows;
      body(i - c * rows, on.first() + c);
    }
    return;
  }
  const int32_t c = on.thread % TileLanes::columns;
  for (int32_t r = on.thread / TileLanes::columns; r < rows && c < samples; r += TileLanes::lanes) {
    body(r, on.first() + c);
  }
}

template <class Rule>
DEVICE void unary_forward(const On& on) {
  const View<float> a = on.view(0), z = on.view(1), bias = on.view(2);
  const float constant = on.instruction.constant;
  const bool has_bias = bias.data != nullptr;
  for_elements(on, false, [&](int64_t r, int64_t c) {
    const float x = has_bias ? *z.at(r, c) + *bias.at(r, c) : *z.at(r, c);
    if constexpr (is_random<Rule>(0)) {
      uint32_t word[1];
      on.instruction.words.get(r, c, word);
      *a.at(r, c) = Rule::forward(x, constant, word[0]);
    } else {
      *a.at(r, c) = Rule::forward(x, constant);
    }
  });
}

template <class Rule>
DEVICE void unary_backward(const On& on) {
  const View<float> d_z = on.view(0), delta = on.view(1);
  const View<float> saved = Rule::saves == Saves::nothing ? delta : on.view(2);
  const float constant = on.instruction.constant;
  for_elements(on, false, [&](int64_t r, int64_t c) {
    float value;
    if constexpr (is_random<Rule>(0)) {
      uint32_t word[1];
      on.instruction.words.get(r, c, word);
      value = Rule::backward(*delta.at(r, c), *saved.at(r, c), constant, word[0]);
    } else {
      value = Rule::backward(*delta.at(r, c), *saved.at(r, c), constant);
    }
    float* const place = d_z.at(r, c);
    *place = on.instruction.accumulate ? *place + value : value;
  });
}

// The instruction's rule.
DEVICE void unary(const On& on) {
  const bool forward = on.instruction.action == Action::unary_forward;
  switch (on.instruction.op) {
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return forward ? unary_forward<Rule>(on) : unary_backward<Rule>(on);
    CHAINRULE_UNARY_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return;
  }
}

// to = from, the user's [batch][feature] on one side. Both are read and written along the user's rows.
DEVICE void transpose(const On& on) {
  const View<float> to = on.view(0), from = on.view(1);
  const bool out = on.instruction.action == Action::move_out;
  // + 0 turns the -0 that ReLU stores into 0
  for_elements(on, true,
               [&](int64_t r, int64_t c) { *to.at(r, c) = out ? *from.at(r, c) + 0.0f : *from.at(r, c); });
}

// ---- sums and losses

DEVICE void add_lanes(const On& on) {
  const View<float> x = on.view(1);
  const int32_t lane = on.thread % row_lanes;
  for (int32_t r = on.thread / row_lanes; r < on.instruction.rows; r += threads / row_lanes) {
    float sum = 0;
    for (int32_t c = lane; c < on.samples(); c += row_lanes) sum += *x.at(r, on.first() + c);
    on.shared.stage[r * row_lanes + lane] = sum;
  }
}

DEVICE void add_rows(const On& on) {
  for (int32_t r = on.thread; r < on.instruction.rows; r += threads) {
    float sum = 0;
    CHAINRULE_UNROLL
    for (int32_t lane = 0; lane < row_lanes; ++lane) sum += on.shared.stage[r * row_lanes + lane];
    const int64_t row = on.instruction.in_parts ? on.part * on.instruction.rows + r : r;
    on.add_up(on.begin(0) + row * on.instruction.places[0].row_stride, sum);
  }
}

template <class Kernel>
DEVICE void loss(const On& on, const Kernel& kernel, typename Kernel::Shared& shared) {
  const Thread at{on.tile, on.thread};
  None none;
  switch (on.instruction.phase) {
    case 0: return kernel.template run<0>(at, shared, none);
    case 1: return kernel.template run<1>(at, shared, none);
    case 2: return kernel.template run<2>(at, shared, none);
    case 3: return kernel.template run<3>(at, shared, none);
    default: return kernel.template run<Kernel::phases - 1>(at, shared, none);
  }
}

DEVICE void loss(const On& on) {
  const Instruction& instruction = on.instruction;
  const LossOperands<float> operands{
      reinterpret_cast<double*>(instruction.places[0].data),
      on.view(1),
      on.view(2),
      on.view(3),
      on.view(4),
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
      return loss(on, SoftmaxLossKernel{operands, instruction.samples}, on.shared.softmax_loss);
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return loss(on, LossKernel<Rule>{operands, instruction.samples}, on.shared.loss);
      CHAINRULE_LOSS_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return;
  }
}

DEVICE void loss_value(const On& on) {
  if (on.thread > 0) return;
  const double partial = *reinterpret_cast<const double*>(on.instruction.places[1].data);
  *on.begin(0) = static_cast<float>(static_cast<double>(on.instruction.constant) * partial);
}

}  // namespace tile
}  // namespace cuda
}  // namespace chainrule
