// The CPU engine: allocates memory, decides how steps are cut into tiles, chooses the kernels for this processor, and
// runs the phases of a program. The tiles of a phase are divided into chunks. A thread of the team computes a chunk at
// a time, and computes the tiles of a chunk together if that changes no bits.
#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/blas.h"
#include "backend/cpu/custom.h"
#include "backend/cpu/grid.h"
#include "backend/cpu/levels.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/products.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/team.h"

namespace chainrule {

namespace {

// Elements per tile of a step that is not a product, and the largest number of tiles.
constexpr int64_t elementwise_tile = 16384;
constexpr int64_t max_tiles = 16;
// The intended amount of work per chunk (PreparedPhase::work), and the largest number of chunks per thread.
constexpr int64_t chunk_work = 4000000;
constexpr int64_t max_chunks_per_thread = 4;

// Adds the time between its construction and its destruction to a phase's seconds, unless `seconds` is null.
class Stopwatch {
 public:
  Stopwatch(double* seconds, int32_t phase) : seconds_(seconds == nullptr ? nullptr : seconds + phase) {
    if (seconds_ != nullptr) start_ = Clock::now();
  }
  ~Stopwatch() {
    if (seconds_ != nullptr) *seconds_ += std::chrono::duration<double>(Clock::now() - start_).count();
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double* const seconds_;
  Clock::time_point start_;
};

// How the tiles of a phase are computed.
struct PreparedPhase {
  bool joinable;  // true: neighbouring tiles can be computed as one without a change of bits
  // The number of steps after the leading product that run on each piece of a tile as soon as the product has finished
  // that piece.
  int32_t part_steps;
  int64_t work;  // the multiply-adds of products plus the elements of other steps
};

// What prepare() computes for a program.
struct Prepared {
  std::vector<Kernel> kernels;        // one per step
  std::vector<PreparedPhase> phases;  // one per phase
};

class CpuBackend final : public Backend {
 public:
  char* allocate(int64_t bytes) override { return allocate_counted(bytes); }
  void release(char* memory, int64_t bytes) override { release_counted(memory, bytes); }
  MemoryBytes memory_bytes() override { return native_memory(); }

  int64_t leading_dimension(DType dtype, int64_t columns) const override {
    if (columns == 1) return 1;
    int64_t line = 64 / size_of(dtype);
    return ceil_div(columns, line) * line;
  }

  Grid grid(const Step& step, DType dtype) const override {
    if (step.kind == StepKind::product) return product_grid(step, dtype);
    if (is_custom(step)) return cut(step.rows, step.columns, 1, true);
    int64_t tiles = std::min(step.rows * step.columns / elementwise_tile, max_tiles);
    if (needs_whole_columns(step)) return cut(step.rows, step.columns, tiles, false);
    if (step.kind == StepKind::row_sum) return cut(step.rows, step.columns, tiles, true);
    return cut(step.rows, step.columns, tiles, step.rows >= tiles);
  }

  int64_t part_depth(DType, int64_t rows, int64_t columns, int64_t k, bool) const override {
    return chainrule::part_depth(rows, columns, k);
  }

  // A step whose sum is cut into parts joins only if each tile computes whole parts. Otherwise two tiles would add to
  // the same part.
  bool joins(const Joining& by, DType) const override {
    return by.step.parts == 1 || by.step.kind == StepKind::sum_parts || !by.phase.grid.only_columns() ||
           by.step.part_depth == by.phase.grid.tile_columns;
  }

  bool joins_columns(const Step& product, DType dtype, const Grid& grid) const override {
    return chainrule::joins_columns(product, dtype, grid);
  }

  // Tiles that use scratch memory cannot be joined. So a phase that begins with a product with a large weight does not
  // use it: the product would pack the weight once per tile.
  bool has_scratch(const Phase& phase, const std::vector<const Step*>& steps, DType dtype) const override {
    const Step& leading = *steps.front();
    if (!phase.grid.only_columns() || leading.parts > 1) return false;
    return leading.kind != StepKind::product || joins_columns(leading, dtype, phase.grid);
  }
  int64_t scratch_bytes() const override { return tile_scratch_bytes; }
  // One additional cache line per row, so that rows do not evict each other from the cache.
  int64_t scratch_stride(DType dtype, int64_t tile_columns) const override {
    const int64_t line = 64 / size_of(dtype);
    return ceil_div(tile_columns, line) * line + line;
  }

  std::string product_by(const Program& program, int32_t step) const override {
    return by_tile_kernel(program.steps[static_cast<size_t>(step)], program.dtype) ? "tile kernel" : "BLAS";
  }

  void prepare(Program& program) const override {
    auto prepared = std::make_shared<Prepared>();
    for (const Step& step : program.steps) {
      Kernel kernel = nullptr;
      if (step.kind == StepKind::product) {
        for (int64_t size : {step.rows, step.columns, step.k, step.operands[0].row_stride,
                             step.operands[1].row_stride, step.operands[2].row_stride}) {
          REQUIRE(size <= max_blas_size, "a matrix product of ", step.rows, " x ", step.k, " by ", step.k,
                  " x ", step.columns, ": expected sizes and row strides of at most ", max_blas_size,
                  ", but got ", size);
        }
        kernel = product_kernel(step, program.dtype);
      } else {
        kernel = is_custom(step) ? custom_kernel(program.dtype) : find_kernel(step, program.dtype);
      }
      if (kernel == nullptr) {
        throw Error(message("internal error: the CPU engine has no kernel for a step of operation ",
                            name_of(step.op), " in ", name_of(program.dtype), " (StepKind ",
                            static_cast<int32_t>(step.kind), ")"));
      }
      prepared->kernels.push_back(kernel);
    }
    for (const Phase& phase : program.phases) {
      prepared->phases.push_back(
          {joinable(program, phase), part_steps(program, phase), work(program, phase)});
    }
    program.prepared = std::move(prepared);
  }

  void run(const Program& program, const Context& context, int32_t first, int32_t last) override {
    ComputeSlot slot;
    assert_single_threaded_blas();
    const Prepared& prepared = *static_cast<const Prepared*>(program.prepared.get());
    for (int32_t i = first; i < last; ++i) {
      const Phase& phase = program.phases[static_cast<size_t>(i)];
      const PreparedPhase& ready = prepared.phases[static_cast<size_t>(i)];
      Job job{context,
              program.dtype,
              phase,
              program.steps.data() + phase.first_step,
              prepared.kernels.data() + phase.first_step,
              ready.part_steps,
              0};
      const int64_t tiles = phase.grid.tiles();
      const bool several_per_chunk = ready.joinable || phase.uses_scratch;
      job.chunks = several_per_chunk ? std::min(tiles, chunks(ready.work)) : tiles;
      const Stopwatch watch(context.phase_seconds, i);
      if (job.chunks == 1) {
        run_chunk(&job, 0);
      } else {
        team_run(job.chunks, run_chunk, &job);
      }
    }
  }

 private:
  struct Job {
    const Context& context;
    const DType dtype;
    const Phase& phase;
    const Step* const steps;      // the phase's steps
    const Kernel* const kernels;  // their kernels
    const int32_t part_steps;
    int64_t chunks;
  };

  // Returns true if neighbouring tiles can be computed as one without a change of bits. The phase must begin with a
  // product without parts and must not use scratch memory. The tile kernel must compute each of its products without
  // parts, because the bits of a BLAS product depend on the cut. A product with parts is always cut at its parts.
  static bool joinable(const Program& program, const Phase& phase) {
    const Step* step = &program.steps[static_cast<size_t>(phase.first_step)];
    if (step->kind != StepKind::product || step->parts > 1 || phase.uses_scratch) return false;
    for (const Step* end = step + phase.steps; step < end; ++step) {
      if (step->kind == StepKind::product && step->parts == 1 && !by_tile_kernel(*step, program.dtype))
        return false;
    }
    return true;
  }

  // Returns the number of steps after the leading product that can run on a piece of its tile: a few rows with all
  // columns of the tile, or with some of the columns if there are more than tile_product_columns.
  static int32_t part_steps(const Program& program, const Phase& phase) {
    const Step& leading = program.steps[static_cast<size_t>(phase.first_step)];
    if (phase.grid.tiles() == 1 || leading.kind != StepKind::product || leading.parts > 1) return 0;
    if (!by_tile_kernel(leading, program.dtype)) return 0;
    int32_t count = 0;
    for (; count + 1 < phase.steps; ++count) {
      const Step& next = program.steps[static_cast<size_t>(phase.first_step + 1 + count)];
      if (needs_whole_columns(next) || next.kind == StepKind::product || next.rows != leading.rows) break;
      if (next.kind == StepKind::row_sum && (phase.columns > tile_product_columns || next.parts > 1)) break;
      if (next.kind == StepKind::transpose_in || next.kind == StepKind::transpose_out)
        break;  // slow on a few rows at a time
    }
    return count;
  }

  static int64_t work(const Program& program, const Phase& phase) {
    int64_t work = 0;
    for (int32_t i = 0; i < phase.steps; ++i) {
      const Step& step = program.steps[static_cast<size_t>(phase.first_step + i)];
      work += step.rows / step.parts * step.columns * (step.kind == StepKind::product ? step.k : 1);
    }
    return work;
  }

  // Returns the number of chunks: one per thread, or several per thread if each is large. With several, the other
  // threads do not wait long for a thread that the system has suspended.
  static int64_t chunks(int64_t work) {
    const int64_t threads = team_threads();
    if (threads == 1 || work < product_worth_cutting) return 1;
    return threads * std::clamp<int64_t>(work / threads / chunk_work, 1, max_chunks_per_thread);
  }

  static void run_chunk(void* argument, int64_t chunk) {
    const Job& job = *static_cast<const Job*>(argument);
    const Phase& phase = job.phase;
    const Grid& grid = phase.grid;
    if (grid.tiles() == 1) {  // the steps may have different domains
      for (int32_t i = 0; i < phase.steps; ++i) {
        const Step& step = job.steps[i];
        job.kernels[i](step, job.context, Rect{0, step.rows, 0, step.columns});
      }
      return;
    }
    const int64_t first = chunk * grid.tiles() / job.chunks, end = (chunk + 1) * grid.tiles() / job.chunks;
    if (!phase.uses_scratch) return run_tiles(job, job.context, first, end);
    const TileScratch scratch;
    Context context = job.context;
    for (int64_t tile = first; tile < end; ++tile) {
      // The offset makes column c of the domain column c - tile * tile_columns of the scratch memory.
      context.base[static_cast<int32_t>(Space::scratch)] =
          scratch.memory() - tile * grid.tile_columns * size_of(job.dtype);
      run_tiles(job, context, tile, tile + 1);
    }
  }

  // Computes tiles [first, end) as one. These tiles are neighbours, because the grid cuts only one side.
  static void run_tiles(const Job& job, const Context& context, int64_t first, int64_t end) {
    const Phase& phase = job.phase;
    const Grid& grid = phase.grid;
    const Rect rect{first / grid.column_tiles * grid.tile_rows,
                    std::min(((end - 1) / grid.column_tiles + 1) * grid.tile_rows, phase.rows),
                    first % grid.column_tiles * grid.tile_columns,
                    std::min(((end - 1) % grid.column_tiles + 1) * grid.tile_columns, phase.columns)};
    int32_t i = 0;
    if (job.part_steps > 0) {
      Following following{context, job.steps + 1, job.kernels + 1, job.part_steps};
      tile_product_in_parts(*job.steps, context, rect, run_following, &following);
      i = 1 + job.part_steps;
    }
    for (; i < phase.steps; ++i) {
      const Step& step = job.steps[i];
      job.kernels[i](step, context, grid.only_columns() ? same_columns(step, rect) : rect);
    }
  }

  // Returns the part of a step's domain that belongs to these columns of its phase's domain.
  static Rect same_columns(const Step& step, const Rect& rect) {
    if (step.kind != StepKind::product || step.parts == 1) {
      return {0, step.rows, rect.column_begin, rect.column_end};
    }
    const int64_t rows = step.rows / step.parts;
    return {rect.column_begin / step.part_depth * rows, ceil_div(rect.column_end, step.part_depth) * rows, 0,
            step.columns};
  }

  // The steps that run on each piece of the leading product's tile.
  struct Following {
    const Context& context;
    const Step* steps;
    const Kernel* kernels;
    int32_t count;
  };

  static void run_following(void* argument, const Rect& part) {
    const Following& by = *static_cast<const Following*>(argument);
    for (int32_t i = 0; i < by.count; ++i) by.kernels[i](by.steps[i], by.context, part);
  }
};

}  // namespace

Backend& cpu_backend() {
  static CpuBackend* instance = new CpuBackend;
  return *instance;
}

}  // namespace chainrule
