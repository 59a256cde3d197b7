// Which steps the tile kernel runs (kernels/tile.cpp), and how a batch is divided into tiles. These rules depend on
// shapes alone. The core uses them to schedule, the library uses them to launch.
//
// A network is narrow if its weights fit into the shared memory of a block of threads (is_narrow). One block can then
// compute all steps for a tile, a group of tile_samples samples, one step after another. It keeps the values between
// the steps in its shared memory. So one launch replaces a launch per step, and only the parts of gradients are written
// to device memory. (A part is the sum over the samples of one block. A later step adds the parts.) Each tile reads all
// weights. Tiles pay off where these reads cost less than the saved launches and memory traffic.
#pragma once

#include "backend/backend.h"

namespace chainrule {
namespace cuda {

// Samples per tile, as many as a loss sums in one block. All 132 multiprocessors of an H100 are busy from a batch of
// 4,224 on.
constexpr int64_t tile_samples = loss_block;
// The maximum number of features of a value in a tile. The kernel has 128 threads.
constexpr int64_t tile_rows = 128;
// The maximum size of a weight's copy in shared memory. Each row has one more element, so that neither the elements of
// a row nor those of a column are in the same bank. 64 x 64, 128 x 32 and 32 x 127 fit.
constexpr int64_t stage_elements = 4224;
// Shared memory for the values between steps: five values of 64 features. In the backward pass of a network with layers
// of 64 all its activations are needed at once, so the first and last ones of a deep network are stored in the arena.
// Together with stage_elements a block needs just below 64 KiB, which every supported card provides. An H100's
// multiprocessor runs three such blocks at once.
constexpr int64_t tile_scratch_bytes = 46 * 1024;
// The row stride of values in shared memory, in elements. It is four more than the number of samples: a column is then
// spread over eight banks, and rows are aligned to 16 bytes.
constexpr int64_t tile_stride = tile_samples + 4;
// The maximum number of parts of a gradient. One block computes a part; it processes several tiles one after another. A
// network 64-64-64-64-3 has 12,675 parameters. With a batch of 65,536 and a part per tile, 2,048 tiles would write and
// read 104 MB. 342 parts are 17 MB, which stay in the cache. 132 multiprocessors with three blocks each run 396 blocks
// at once.
constexpr int64_t most_parts = 384;
// The kernel counts samples in 32 bits, with room for another tile.
constexpr int64_t most_samples = INT32_MAX / 2;
// The maximum number of instructions per launch. It limits the size of the kernel's parameter.
constexpr int32_t max_instructions = 64;

inline int64_t tiles_of(int64_t samples) { return (samples + tile_samples - 1) / tile_samples; }

// Returns true if a layer with a weight of rows x columns runs on tiles. Only floats do, because doubles need twice the
// registers and shared memory.
inline bool is_narrow(DType dtype, int64_t rows, int64_t columns) {
  return dtype == DType::float32 && rows <= tile_rows && columns <= tile_rows &&
         rows * (columns + 1) <= stage_elements && columns * (rows + 1) <= stage_elements;
}

// Returns the number of samples per part of a gradient: a multiple of tile_samples.
inline int64_t tile_part_depth(int64_t samples) {
  const int64_t tiles_per_part = (tiles_of(samples) + most_parts - 1) / most_parts;
  return tiles_per_part * tile_samples;
}

// Returns the number of samples of a step: its columns, or the length of a product's sum over samples.
inline int64_t samples_of(const Step& step) {
  return step.kind == StepKind::product && step.over_samples ? step.k : step.columns;
}

// Returns true if the step can run on tiles of samples. A sum over samples can if it is computed in parts or if the
// batch is a single tile.
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

// Returns the number of instructions of a step. An instruction is the work of a block between two barriers.
inline int32_t instructions_of(const Step& step) {
  switch (step.kind) {
    case StepKind::product: return step.over_samples ? 1 : 2;  // the 2: copy_weight, multiply
    case StepKind::row_sum: return 2;                          // add_lanes, add_rows
    case StepKind::loss: return step.op == Op::softmax_cross_entropy ? 5 : 4;
    default: return 1;
  }
}

inline Grid tile_grid(const Step& step) {
  const int64_t tiles = tiles_of(samples_of(step));
  if (tiles == 1) return {step.rows, step.columns, 1, 1};
  return {step.rows / (step.kind == StepKind::product ? step.parts : 1), tile_samples, 1, tiles};
}

// Returns true if the step may become the last one of a phase.
inline bool joins_phase(const Joining& by, DType dtype) {
  const Step &step = by.step, &first = *by.steps.front();
  if (by.phase.concurrent) return step.kind == first.kind;
  if (runs_on_tiles(first, dtype)) {
    if (!runs_on_tiles(step, dtype) || (first.kind == StepKind::product && first.parts > 1)) return false;
    int32_t instructions = instructions_of(step);
    for (const Step* other : by.steps) instructions += instructions_of(*other);
    return instructions <= max_instructions;
  }
  // The phase then has two steps: the backward rule of an activation, and the sums of its rows.
  return first.kind == StepKind::unary_backward && !traits_of(first.op).random && by.steps.size() == 1 &&
         step.kind == StepKind::row_sum && step.parts == 1 && by.continues && step.rows == first.rows &&
         step.columns == first.columns;
}

// Returns true if the phase is one launch of the tile kernel. A single step without scratch and parts runs faster with
// the kernel of its kind.
inline bool is_tile_phase(const Phase& phase, const Step& first, int64_t count, DType dtype) {
  return runs_on_tiles(first, dtype) && (count > 1 || phase.uses_scratch || first.parts > 1);
}

}  // namespace cuda
}  // namespace chainrule
