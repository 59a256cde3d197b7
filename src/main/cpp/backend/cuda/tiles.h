// Which steps the tile kernel runs (kernels/tile.cpp), and how a batch is cut for it: rules of shapes alone, which the core
// schedules by and the library launches by.
//
// A block of threads can compute all that a narrow network needs for a few samples, step after step, with what lies between
// the steps in its own memory: one launch in place of one a step, and nothing but parts of gradients goes to memory. That
// pays where each tile's reading of all weights costs less than the launches and the traffic that it saves.
#pragma once

#include "backend/backend.h"

namespace chainrule {
namespace cuda {

// Samples of a tile. A loss adds up as many; and 132 multiprocessors (an H100's) are all busy from a batch of 4,224 on.
constexpr int64_t tile_samples = loss_block;
// Features of a value that tiles go through: 128 rows are a value a thread and row of samples.
constexpr int64_t tile_rows = 128;
// A weight is copied to the block's memory before it is used, each row with a place more, so that neither rows nor columns
// meet in a bank: 64 x 64 fits, as do 128 x 32 and 32 x 127.
constexpr int64_t stage_elements = 4224;
// For values between steps, five of 64 features: what is alive at once in the backward pass of a network of any depth that is
// 64 wide is its activations, so the first and last ones of a deep one go to the arena. With the copy of the weight and the
// sums of rows this is just below 64 KiB, which a block of every supported card can have: three of an H100's at once.
constexpr int64_t tile_scratch_bytes = 46 * 1024;
// Four more than the samples: a column of a value then lies in eight banks, and rows stay aligned to 16 bytes.
constexpr int64_t tile_stride = tile_samples + 4;
// The most parts that a gradient is summed in, each by a block that goes through tiles in turn. 64-64-64-64-3 has 12,675
// parameters: 2,048 tiles of a batch of 65,536 with a part each would write and read 104 MB, 342 parts are 17 MB and stay
// in the cache; and 132 multiprocessors with three blocks each run 396 at once.
constexpr int64_t most_parts = 384;
// Samples are counted in 32 bits, with room for a tile more.
constexpr int64_t most_samples = INT32_MAX / 2;
// The kernel's list of instructions, a parameter of its launch where the device takes one so large, has so many places.
constexpr int32_t max_instructions = 64;

inline int64_t tiles_of(int64_t samples) { return (samples + tile_samples - 1) / tile_samples; }

// Does a layer with this weight run on tiles? Only floats: a double's rules and sums take twice the registers and memory.
inline bool is_narrow(DType dtype, int64_t rows, int64_t columns) {
  return dtype == DType::float32 && rows <= tile_rows && columns <= tile_rows &&
         rows * (columns + 1) <= stage_elements && columns * (rows + 1) <= stage_elements;
}

inline int64_t tile_part_depth(int64_t samples) {
  const int64_t in_turn = (tiles_of(samples) + most_parts - 1) / most_parts;
  return in_turn * tile_samples;
}

// The samples that a step goes over, as columns or as what is summed.
inline int64_t samples_of(const Step& step) {
  return step.kind == StepKind::product && step.over_samples ? step.k : step.columns;
}

// Can the step run on a tile of samples? A sum over samples can where it is made in parts, or where there is one tile.
inline bool runs_on_tiles(const Step& step, DType dtype) {
  if (dtype != DType::float32 || samples_of(step) > most_samples) return false;
  const bool sums_tile = step.parts > 1 || samples_of(step) <= tile_samples;
  switch (step.kind) {
    case StepKind::product:
      if (step.over_samples) return sums_tile && is_narrow(dtype, step.rows / step.parts, step.columns);
      return step.parts == 1 && is_narrow(dtype, step.rows, step.k);
    case StepKind::row_sum: return step.over_samples && sums_tile && is_narrow(dtype, step.rows, 1);
    case StepKind::unary_forward:
    case StepKind::unary_backward:
    case StepKind::transpose_in:
    case StepKind::transpose_out:
    case StepKind::loss: return step.rows <= tile_rows;
    case StepKind::loss_value: return step.count == 1;
    default: return false;
  }
}

// What a block does between two barriers is a instruction.
inline int32_t instructions_of(const Step& step) {
  switch (step.kind) {
    case StepKind::product: return step.over_samples ? 1 : 2;  // copies the weight, multiplies
    case StepKind::row_sum: return 2;                          // a few lanes a row, their sum
    case StepKind::loss: return step.op == Op::softmax_cross_entropy ? 5 : 4;
    default: return 1;
  }
}

inline Grid tile_grid(const Step& step) {
  const int64_t tiles = tiles_of(samples_of(step));
  if (tiles == 1) return {step.rows, step.columns, 1, 1};
  return {step.rows / (step.kind == StepKind::product ? step.parts : 1), tile_samples, 1, tiles};
}

// May the step become the last of a phase?
inline bool joins_phase(const Joining& by, DType dtype) {
  const Step &step = by.step, &first = *by.steps.front();
  if (by.phase.concurrent) return step.kind == first.kind;
  if (runs_on_tiles(first, dtype)) {
    if (!runs_on_tiles(step, dtype) || (first.kind == StepKind::product && first.parts > 1)) return false;
    int32_t instructions = instructions_of(step);
    for (const Step* other : by.steps) instructions += instructions_of(*other);
    return instructions <= max_instructions;
  }
  // the rule of an activation, and the sums of its rows
  return first.kind == StepKind::unary_backward && !traits_of(first.op).random && by.steps.size() == 1 &&
         step.kind == StepKind::row_sum && step.parts == 1 && by.continues && step.rows == first.rows &&
         step.columns == first.columns;
}

// Is the phase one launch of the tile kernel? A single step that needs nothing of it has a better kernel of its own.
inline bool is_tile_phase(const Phase& phase, const Step& first, int64_t count, DType dtype) {
  return runs_on_tiles(first, dtype) && (count > 1 || phase.uses_scratch || first.parts > 1);
}

}  // namespace cuda
}  // namespace chainrule
