// The CPU engine: memory, the grids that cut each step, kernels for the processor it finds itself on, and the loop
// over phases.
#include <algorithm>

#include "backend/backend.h"
#include "backend/cpu/blas.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/team.h"

namespace chainrule {

using Kernel = void (*)(const Step&, const Context&, const Rect&);

// One set of kernels for each level that this build has (kernels/*.cpp).
#define CHAINRULE_LEVEL(isa)                          \
  namespace isa {                                     \
  Kernel find_elementwise(const Step&, DType);        \
  Kernel find_rowwise(const Step&, DType);            \
  Kernel find_loss(const Step&, DType);               \
  Kernel find_layout(const Step&, DType);             \
  Kernel find_update(const Step&, DType);             \
  static Kernel find(const Step& step, DType dtype) { \
    Kernel kernel = find_elementwise(step, dtype);    \
    if (!kernel) kernel = find_rowwise(step, dtype);  \
    if (!kernel) kernel = find_loss(step, dtype);     \
    if (!kernel) kernel = find_layout(step, dtype);   \
    if (!kernel) kernel = find_update(step, dtype);   \
    return kernel;                                    \
  }                                                   \
  }
CHAINRULE_LEVEL(baseline)
#if defined(__x86_64__)
CHAINRULE_LEVEL(avx2)
CHAINRULE_LEVEL(avx512)
#endif
#undef CHAINRULE_LEVEL

namespace {

enum class Level { baseline, avx2, avx512 };

Level detect_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Level::baseline;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")) {
    return Level::avx512;
  }
  return Level::avx2;
#else
  return Level::baseline;
#endif
}

Level level() {
  static const Level found = detect_level();
  return found;
}

Kernel find_kernel(const Step& step, DType dtype) {
#if defined(__x86_64__)
  if (level() == Level::avx512) return avx512::find(step, dtype);
  if (level() == Level::avx2) return avx2::find(step, dtype);
#endif
  return baseline::find(step, dtype);
}

template <class T>
const T* factor(const Context& context, const Operand& operand) {
  const char* base = operand.space == Space::input ? static_cast<const char*>(context.inputs[operand.slot])
                                                   : context.base[static_cast<int32_t>(operand.space)];
  return reinterpret_cast<const T*>(base + operand.offset);
}

// One tile of C = α op(A) op(B) + β C.
template <class T>
void product(const Step& step, const Context& context, const Rect& rect) {
  const Operand &c = step.operands[0], &a = step.operands[1], &b = step.operands[2];
  const double rate = context.update.learning_rate;
  const double alpha = step.alpha.constant + step.alpha.per_learning_rate * rate;
  const double beta = step.beta.constant + step.beta.per_learning_rate * rate;
  T* c_tile = const_cast<T*>(factor<T>(context, c)) + rect.row_begin * c.row_stride + rect.column_begin;
  const T* a_tile = factor<T>(context, a) + rect.row_begin * (step.transposed_a ? 1 : a.row_stride);
  const T* b_tile = factor<T>(context, b) + rect.column_begin * (step.transposed_b ? b.row_stride : 1);
  gemm<T>(step.transposed_a, step.transposed_b, rect.row_end - rect.row_begin,
          rect.column_end - rect.column_begin, step.k, static_cast<T>(alpha), a_tile, a.row_stride, b_tile,
          b.row_stride, static_cast<T>(beta), c_tile, c.row_stride);
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Cuts rows x columns into about `tiles` tiles, along one side; column cuts fall on multiples of loss_block.
Grid cut(int64_t rows, int64_t columns, int64_t tiles, bool along_rows) {
  Grid grid{rows, columns, 1, 1};
  if (tiles < 2) return grid;
  if (along_rows) {
    grid.tile_rows = ceil_div(rows, std::min(tiles, rows));
    grid.row_tiles = ceil_div(rows, grid.tile_rows);
  } else {
    grid.tile_columns = ceil_div(ceil_div(columns, tiles), loss_block) * loss_block;
    grid.column_tiles = ceil_div(columns, grid.tile_columns);
  }
  return grid;
}

// Products below this many multiply-adds run on the caller alone: waking others costs more.
constexpr int64_t product_worth_cutting = 100000;
// Rows of a product's tile that keep the BLAS efficient, and the most tiles a phase is cut into.
constexpr int64_t product_tile_rows = 128;
constexpr int64_t most_tiles = 16;
// Elements that are worth another tile of an elementwise step.
constexpr int64_t elementwise_tile = 16384;

Grid product_grid(const Step& step) {
  if (step.rows * step.columns < product_worth_cutting / step.k) return cut(step.rows, step.columns, 1, true);
  if (step.rows < 64 && step.columns >= 128) {
    return cut(step.rows, step.columns, std::clamp<int64_t>(step.columns / 64, 2, most_tiles), false);
  }
  return cut(step.rows, step.columns, std::clamp<int64_t>(step.rows / product_tile_rows, 2, most_tiles),
             true);
}

class CpuBackend final : public Backend {
 public:
  char* allocate(int64_t bytes) override { return allocate_counted(bytes); }
  void release(char* memory, int64_t bytes) override { release_counted(memory, bytes); }

  int64_t leading_dimension(DType dtype, int64_t columns) const override {
    if (columns == 1) return 1;
    int64_t line = 64 / size_of(dtype);
    return ceil_div(columns, line) * line;
  }

  Grid grid(const Step& step, DType) const override {
    if (step.kind == StepKind::product) return product_grid(step);
    int64_t tiles = std::min(step.rows * step.columns / elementwise_tile, most_tiles);
    if (needs_whole_columns(step)) return cut(step.rows, step.columns, tiles, false);
    if (step.kind == StepKind::row_sum) return cut(step.rows, step.columns, tiles, true);
    return cut(step.rows, step.columns, tiles, step.rows >= tiles);
  }

  void prepare(Program& program) const override {
    for (Step& step : program.steps) {
      if (step.kind == StepKind::product) {
        for (int64_t size : {step.rows, step.columns, step.k, step.operands[0].row_stride,
                             step.operands[1].row_stride, step.operands[2].row_stride}) {
          REQUIRE(size <= max_blas_size, "a matrix product of ", step.rows, " x ", step.k, " by ", step.k,
                  " x ", step.columns, ": the BLAS takes at most ", max_blas_size, " rows or columns");
        }
        step.kernel = program.dtype == DType::float32 ? product<float> : product<double>;
      } else {
        step.kernel = find_kernel(step, program.dtype);
      }
      if (step.kernel == nullptr) {
        throw Error(message("the CPU engine has no kernel for step kind ", static_cast<int32_t>(step.kind),
                            " of operation ", name_of(step.op)));
      }
    }
  }

  void run(const Program& program, const Context& context, int32_t first, int32_t last) override {
    ComputeSlot slot;
    assert_single_threaded_blas();
    for (int32_t i = first; i < last; ++i) {
      Job job{program, context, program.phases[static_cast<size_t>(i)]};
      int64_t tiles = job.phase.grid.tiles();
      if (tiles == 1) {
        run_tile(&job, 0);
      } else {
        team_run(tiles, run_tile, &job);
      }
    }
  }

 private:
  struct Job {
    const Program& program;
    const Context& context;
    const Phase& phase;
  };

  static void run_tile(void* argument, int64_t tile) {
    const Job& job = *static_cast<const Job*>(argument);
    const Phase& phase = job.phase;
    const Grid& grid = phase.grid;
    const bool whole = grid.tiles() == 1;
    int64_t row = tile / grid.column_tiles * grid.tile_rows,
            column = tile % grid.column_tiles * grid.tile_columns;
    Rect rect{row, std::min(row + grid.tile_rows, phase.rows), column,
              std::min(column + grid.tile_columns, phase.columns)};
    const Step* step = &job.program.steps[static_cast<size_t>(phase.first_step)];
    for (int32_t i = 0; i < phase.steps; ++i, ++step) {
      // In a phase of one tile steps of different domains follow each other.
      if (whole) rect = Rect{0, step->rows, 0, step->columns};
      step->kernel(*step, job.context, rect);
    }
  }
};

}  // namespace

Backend& cpu_backend() {
  static CpuBackend* instance = new CpuBackend;
  return *instance;
}

const char* instruction_set_name() {
  switch (level()) {
    case Level::baseline: return "baseline";
    case Level::avx2: return "avx2";
    case Level::avx512: return "avx512";
  }
  return "";
}

}  // namespace chainrule
