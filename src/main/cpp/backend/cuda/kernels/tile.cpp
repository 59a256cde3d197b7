// The steps of a narrow network on tiles of samples, one after another: a block has a tile, or a few in turn where gradients
// are summed in parts, and waits after each move. A value that no other launch needs lies in the block's own memory.
#include "backend/cuda/kernels/tile.h"

#include <cstring>
#include <utility>

namespace chainrule {
namespace cuda {

namespace {

// Moves are an array, part of the kernel's parameter, or a pointer to a table in device memory.
template <class Moves>
struct TileKernel {
  static constexpr int threads = tile::threads, phases = by_rounds;
  using Shared = tile::Shared;

  int32_t count = 0;  // of moves
  int32_t tiles_in_turn = 1;
  int64_t tiles = 1;
  Moves moves{};

  DEVICE int32_t rounds() const { return tiles_in_turn * count; }

  DEVICE void run(Thread at, int32_t round, Shared& shared) const {
    using tile::Action;
    const int32_t turn = round / count;
    const int64_t tile = at.block * tiles_in_turn + turn;
    if (tile >= tiles) return;
    const tile::On on{moves[round - turn * count], shared, tile, at.block, turn, at.thread};
    switch (on.move.action) {
      case Action::copy_weight: return tile::copy_weight(on);
      case Action::multiply: return tile::multiply(on);
      case Action::multiply_samples: return tile::multiply_samples(on);
      case Action::unary_forward:
      case Action::unary_backward: return tile::unary(on);
      case Action::move_in:
      case Action::move_out: return tile::transpose(on);
      case Action::add_lanes: return tile::add_lanes(on);
      case Action::add_rows: return tile::add_rows(on);
      case Action::loss: return tile::loss(on);
      case Action::loss_value: return tile::loss_value(on);
    }
  }
};

using MovesInParameter = TileKernel<tile::Move[most_moves]>;
using MovesInMemory = TileKernel<const tile::Move*>;
static_assert(sizeof(MovesInParameter) == tile::parameter_bytes);

// Makes the moves of a phase's steps.
class Moves {
 public:
  Moves(const Launch& launch, const Run& run) : run_(run) {
    kernel_.tiles = launch.grid.tiles();
    for (size_t i = 0; i < launch.steps.size(); ++i) {
      add(launch.steps[i], run.scalars + launch.step_index + static_cast<int64_t>(i));
    }
  }

  const MovesInParameter& kernel() const { return kernel_; }

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

  tile::Move& push(const tile::Move& move, tile::Action action) {
    if (kernel_.count == most_moves) throw Error(message("a tile has at most ", most_moves, " moves"));
    tile::Move& made = kernel_.moves[kernel_.count++];
    made = move;
    made.action = action;
    return made;
  }

  void add(const Step& step, const Scalars* scalars) {
    tile::Move move;
    move.op = step.op;
    move.rows = static_cast<int32_t>(step.rows);
    move.samples = samples_of(step);
    move.constant = static_cast<float>(step.constant);
    move.factor = static_cast<float>(step.constant2);
    move.accumulate = step.accumulate;
    move.accumulate2 = step.accumulate2;
    move.labels = step.labels;
    move.in_parts = step.parts > 1;
    if (move.in_parts) kernel_.tiles_in_turn = static_cast<int32_t>(step.part_depth / tile_samples);
    move.scalars = scalars;
    move.words = StepWords::of(run_, step);
    for (int32_t i = 0; i < max_operands; ++i) {
      if (step.operands[i].present()) move.places[i] = place(step.operands[i]);
    }
    add(step, move);
  }

  void add(const Step& step, tile::Move& move) {
    using tile::Action;
    switch (step.kind) {
      case StepKind::product: return add_product(step, move);
      case StepKind::row_sum:
        push(move, Action::add_lanes);
        push(move, Action::add_rows);
        return;
      case StepKind::unary_forward: push(move, Action::unary_forward); return;
      case StepKind::unary_backward: push(move, Action::unary_backward); return;
      case StepKind::transpose_in:
        std::swap(move.places[1].row_stride, move.places[1].column_stride);
        push(move, Action::move_in);
        return;
      case StepKind::transpose_out:
        std::swap(move.places[0].row_stride, move.places[0].column_stride);
        push(move, Action::move_out);
        return;
      case StepKind::loss:
        for (int32_t phase = 0; phase < moves_of(step); ++phase) push(move, Action::loss).phase = phase;
        return;
      default: push(move, Action::loss_value);
    }
  }

  void add_product(const Step& step, tile::Move& move) {
    tile::Place &a = move.places[1], &b = move.places[2];
    move.rows = static_cast<int32_t>(step.rows / step.parts);
    if (step.transposed_b) std::swap(b.row_stride, b.column_stride);
    if (step.over_samples) {
      move.columns = static_cast<int32_t>(step.columns);
      if (step.transposed_a) std::swap(a.row_stride, a.column_stride);
      push(move, tile::Action::multiply_samples);
      return;
    }
    move.k = static_cast<int32_t>(step.k);
    tile::Move& copy = push(move, tile::Action::copy_weight);
    if (step.transposed_a) std::swap(copy.rows, copy.k);  // as it lies
    copy.columns = copy.k;
    a.row_stride = copy.columns + 1;
    a.column_stride = 1;
    if (step.transposed_a) std::swap(a.row_stride, a.column_stride);
    push(move, tile::Action::multiply);
  }

  const Run& run_;
  MovesInParameter kernel_;
};

void run_tiles(const Launch& launch, const Run& run) {
  const Moves made(launch, run);
  const MovesInParameter& kernel = made.kernel();
  const int64_t blocks = ceil_div(kernel.tiles, kernel.tiles_in_turn);
  if (run.tables == nullptr) {
    cuda::launch(run.queue, blocks, kernel);
  } else {
    const auto* moves = reinterpret_cast<const tile::Move*>(run.tables + launch.table);
    cuda::launch(run.queue, blocks, MovesInMemory{kernel.count, kernel.tiles_in_turn, kernel.tiles, moves});
  }
}

}  // namespace

Launcher tile_launcher() { return run_tiles; }

int64_t table_bytes(const Launch& tiles) {
  int64_t moves = 0;
  for (const Step& step : tiles.steps) moves += moves_of(step);
  return moves * static_cast<int64_t>(sizeof(tile::Move));
}

void write_table(const Launch& tiles, const Run& run, char* to) {
  const Moves made(tiles, run);
  std::memcpy(to, made.kernel().moves, static_cast<size_t>(table_bytes(tiles)));
}

}  // namespace cuda
}  // namespace chainrule
