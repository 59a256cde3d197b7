// The tile kernel: the steps of a narrow network on tiles of samples. A block computes one tile, or several one after
// another if gradients are summed in parts. There is a barrier after each instruction. A value that no other launch
// needs is stored in the block's shared memory.
#include "backend/cuda/kernels/tile.h"

#include <cstring>
#include <utility>

namespace chainrule {
namespace cuda {

namespace {

// `Instructions` is an array inside the kernel's parameter, or a pointer to a table in device memory.
template <class Instructions>
struct TileKernel {
  static constexpr int threads = tile::threads, phases = by_rounds;
  using Shared = tile::Shared;

  int32_t count = 0;            // instructions
  int32_t tiles_per_block = 1;  // processed one after another
  int64_t tiles = 1;
  Instructions instructions{};

  DEVICE int32_t rounds() const { return tiles_per_block * count; }

  DEVICE void run(Thread at, int32_t round, Shared& shared) const {
    using tile::Action;
    const int32_t turn = round / count;
    const int64_t tile = at.block * tiles_per_block + turn;
    if (tile >= tiles) return;
    const tile::TileThread thread{
        instructions[round - turn * count], shared, tile, at.block, turn, at.thread};
    switch (thread.instruction.action) {
      case Action::copy_weight: return tile::copy_weight(thread);
      case Action::multiply: return tile::multiply(thread);
      case Action::multiply_samples: return tile::multiply_samples(thread);
      case Action::unary_forward:
      case Action::unary_backward: return tile::unary(thread);
      case Action::transpose_in:
      case Action::transpose_out: return tile::transpose(thread);
      case Action::add_lanes: return tile::add_lanes(thread);
      case Action::add_rows: return tile::add_rows(thread);
      case Action::loss: return tile::loss(thread);
      case Action::loss_value: return tile::loss_value(thread);
    }
  }
};

using InstructionsInParameter = TileKernel<tile::Instruction[max_instructions]>;
using InstructionsInMemory = TileKernel<const tile::Instruction*>;
static_assert(sizeof(InstructionsInParameter) == tile::parameter_bytes);

// Creates the instructions of a phase's steps.
class Instructions {
 public:
  Instructions(const Launch& launch, const Run& run) : run_(run) {
    kernel_.tiles = launch.grid.tiles();
    for (size_t i = 0; i < launch.steps.size(); ++i) {
      add(launch, launch.steps[i], run.scalars + launch.step_index + static_cast<int64_t>(i));
    }
  }

  const InstructionsInParameter& kernel() const { return kernel_; }

 private:
  tile::Place place(const Operand& operand) const {
    tile::Place made;
    made.row_stride = static_cast<int32_t>(operand.row_stride);
    made.column_stride = static_cast<int32_t>(operand.column_stride);
    made.in_block = operand.space == Space::scratch;
    if (made.in_block) {
      made.offset = static_cast<int32_t>(operand.offset / static_cast<int64_t>(sizeof(float)));
    } else {
      made.data = view<char>(run_, operand).data;
    }
    return made;
  }

  tile::Instruction& push(const tile::Instruction& instruction, tile::Action action) {
    if (kernel_.count == max_instructions)
      throw Error(message("internal error: the tile kernel expected at most ", max_instructions,
                          " instructions, but its steps need more"));
    tile::Instruction& made = kernel_.instructions[kernel_.count++];
    made = instruction;
    made.action = action;
    return made;
  }

  void add(const Launch& launch, const Step& step, const Scalars* scalars) {
    tile::Instruction instruction;
    instruction.op = step.op;
    instruction.rows = static_cast<int32_t>(step.rows);
    instruction.samples = samples_of(step);
    instruction.constant = static_cast<float>(step.constant);
    instruction.factor = static_cast<float>(step.constant2);
    instruction.accumulate = step.accumulate;
    instruction.accumulate2 = step.accumulate2;
    instruction.labels = step.labels;
    instruction.in_parts = step.parts > 1;
    if (instruction.in_parts) kernel_.tiles_per_block = static_cast<int32_t>(step.part_depth / tile_samples);
    instruction.scalars = scalars;
    instruction.words = StepWords::of(run_, launch, step);
    for (int32_t i = 0; i < max_operands; ++i) {
      if (step.operands[i].present()) instruction.places[i] = place(step.operands[i]);
    }
    add(step, instruction);
  }

  void add(const Step& step, tile::Instruction& instruction) {
    using tile::Action;
    switch (step.kind) {
      case StepKind::product: return add_product(step, instruction);
      case StepKind::row_sum:
        push(instruction, Action::add_lanes);
        push(instruction, Action::add_rows);
        return;
      case StepKind::unary_forward: push(instruction, Action::unary_forward); return;
      case StepKind::unary_backward: push(instruction, Action::unary_backward); return;
      case StepKind::transpose_in:
        std::swap(instruction.places[1].row_stride, instruction.places[1].column_stride);
        push(instruction, Action::transpose_in);
        return;
      case StepKind::transpose_out:
        std::swap(instruction.places[0].row_stride, instruction.places[0].column_stride);
        push(instruction, Action::transpose_out);
        return;
      case StepKind::loss:
        for (int32_t phase = 0; phase < instructions_of(step); ++phase)
          push(instruction, Action::loss).phase = phase;
        return;
      default: push(instruction, Action::loss_value);
    }
  }

  void add_product(const Step& step, tile::Instruction& instruction) {
    tile::Place &a = instruction.places[1], &b = instruction.places[2];
    instruction.rows = static_cast<int32_t>(step.rows / step.parts);
    if (step.transposed_b) std::swap(b.row_stride, b.column_stride);
    if (step.over_samples) {
      instruction.columns = static_cast<int32_t>(step.columns);
      if (step.transposed_a) std::swap(a.row_stride, a.column_stride);
      push(instruction, tile::Action::multiply_samples);
      return;
    }
    instruction.k = static_cast<int32_t>(step.k);
    tile::Instruction& copy = push(instruction, tile::Action::copy_weight);
    if (step.transposed_a) std::swap(copy.rows, copy.k);  // the shape in memory
    copy.columns = copy.k;
    a.row_stride = copy.columns + 1;
    a.column_stride = 1;
    if (step.transposed_a) std::swap(a.row_stride, a.column_stride);
    push(instruction, tile::Action::multiply);
  }

  const Run& run_;
  InstructionsInParameter kernel_;
};

void run_tiles(const Launch& launch, const Run& run) {
  const Instructions made(launch, run);
  const InstructionsInParameter& kernel = made.kernel();
  const int64_t blocks = ceil_div(kernel.tiles, kernel.tiles_per_block);
  if (run.tables == nullptr) {
    cuda::launch(run.queue, blocks, kernel);
  } else {
    const auto* instructions = reinterpret_cast<const tile::Instruction*>(run.tables + launch.table);
    cuda::launch(run.queue, blocks,
                 InstructionsInMemory{kernel.count, kernel.tiles_per_block, kernel.tiles, instructions});
  }
}

}  // namespace

Launcher tile_launcher() { return run_tiles; }

int64_t table_bytes(const Launch& tiles) {
  int64_t instructions = 0;
  for (const Step& step : tiles.steps) instructions += instructions_of(step);
  return instructions * static_cast<int64_t>(sizeof(tile::Instruction));
}

void write_table(const Launch& tiles, const Run& run, char* to) {
  const Instructions made(tiles, run);
  std::memcpy(to, made.kernel().instructions, static_cast<size_t>(table_bytes(tiles)));
}

}  // namespace cuda
}  // namespace chainrule
