// Prepares a program: creates a launch per step or per phase and a launch per converted factor, and computes the sizes
// of what the program reads and writes.
#include "backend/cuda/program.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "backend/cuda/engine.h"
#include "backend/cuda/kernels/convert.h"
#include "backend/cuda/lanes.h"
#include "backend/cuda/tiles.h"
#include "util/check.h"

namespace chainrule {

namespace {

using cuda::Launch;
using cuda::Segment;

int64_t next_number() {
  static std::atomic<int64_t> last{0};
  return ++last;
}

// Returns the alignment of an operand's address, at most most_alignment. The blocks themselves have a larger alignment,
// so the offset decides.
int32_t alignment_of(const Operand& operand) {
  int64_t bytes = cuda::most_alignment;
  while (operand.offset % bytes != 0) bytes /= 2;
  return static_cast<int32_t>(bytes);
}

bool depends_on_rate(const Coefficient& coefficient) { return coefficient.per_learning_rate != 0; }

void grow(std::vector<int64_t>* values, int32_t index) {
  if (values->size() <= static_cast<size_t>(index)) values->resize(static_cast<size_t>(index) + 1, 0);
}

cuda::Launcher find_launcher(const Step& step, DType dtype) {
  using Find = cuda::Launcher (*)(const Step&, DType);
  for (Find find : {cuda::find_elementwise, cuda::find_sum, cuda::find_rowwise, cuda::find_loss,
                    cuda::find_layout, cuda::find_update}) {
    if (const cuda::Launcher found = find(step, dtype)) return found;
  }
  throw Error(message("internal error: the CUDA engine has no kernel for a step of operation ",
                      name_of(step.op), " in ", name_of(dtype), " (StepKind ",
                      static_cast<int32_t>(step.kind), ")"));
}

}  // namespace

CudaProgram::CudaProgram(CudaEngine& engine, const CudaProgramView& view)
    : number(next_number()),
      dtype(view.dtype),
      phases(view.phase_count),
      backward_begin(view.backward_begin),
      loss(view.loss) {
  for (int32_t p = 0; p < view.phase_count; ++p) add_phase(engine, view, p);
  assign_copy_offsets();
  find_product_lanes();
  for (int32_t i = 0; i < view.step_count; ++i) {
    if (!is_custom(view.steps[i])) record_slots(view.steps[i]);
    alphas.push_back(view.steps[i].alpha);
    betas.push_back(view.steps[i].beta);
  }
}

void CudaProgram::find_product_lanes() {
  for (auto [first, last] : {std::pair(0, backward_begin), {backward_begin, phases}}) {
    const std::vector<const Launch*> half = cuda::launches_between(launches, first, last);
    const std::vector<cuda::LaneSlot> slots = cuda::assign_lanes(half);
    for (size_t i = 0; i < half.size(); ++i) {
      if (half[i]->product != nullptr) multiplies[0] = multiplies[slots[i].lane] = true;
    }
  }
}

// A phase becomes one launch if its steps are updates or sums of parts, if the tile kernel runs it, or if it is an
// activation's backward rule with the sums of its rows. Otherwise each of its steps becomes a launch.
void CudaProgram::add_phase(CudaEngine& engine, const CudaProgramView& view, int32_t p) {
  const Phase& phase = view.phases[p];
  const Step* const first = view.steps + phase.first_step;
  Launch together;
  together.step = *first;
  together.steps.assign(first, first + phase.steps);
  together.step_index = phase.first_step;
  together.phase = p;
  together.after_check = p >= backward_begin;
  together.grid = phase.grid;
  if (phase.concurrent) {
    together.launcher = find_launcher(*first, dtype);
    add_segments(engine, &together);
  } else if (cuda::is_tile_phase(phase, *first, phase.steps, dtype)) {
    together.launcher = cuda::tile_launcher();
    together.table = table_bytes;
    table_bytes += cuda::table_bytes(together);
  } else if (phase.steps == 2 && first->kind == StepKind::unary_backward) {
    together.launcher = cuda::find_derivative_and_sum(first->op, dtype);
    scratch_bytes = std::max(scratch_bytes, cuda::scratch_bytes(first[1]));
  } else {
    for (int32_t i = 0; i < phase.steps; ++i) {
      // The core calls a custom operation between two runs.
      if (!is_custom(first[i])) {
        add_launch(engine, first[i], phase.first_step + i, p);
        record_accesses(first[i], &launches.back());
      }
      conversions_.note_writes(first[i]);
    }
    return;
  }
  launches.push_back(std::move(together));
  for (int32_t i = 0; i < phase.steps; ++i) {
    record_accesses(first[i], &launches.back());
    conversions_.note_writes(first[i]);
  }
}

void CudaProgram::add_launch(CudaEngine& engine, const Step& step, int32_t index, int32_t phase) {
  Launch launch;
  launch.step = step;
  launch.step_index = index;
  launch.phase = phase;
  launch.after_check = phase >= backward_begin;
  launch.is_double = dtype == DType::float64;
  if (step.kind == StepKind::product) {
    prepare_product(engine, &launch);
  } else {
    launch.launcher = find_launcher(step, dtype);
    scratch_bytes = std::max(scratch_bytes, cuda::scratch_bytes(step));
  }
  launches.push_back(launch);
}

void CudaProgram::prepare_product(CudaEngine& engine, Launch* launch) {
  const Step& step = launch->step;
  const Operand &c = step.operands[0], &a = step.operands[1], &b = step.operands[2];
  for (int64_t size : {step.rows, step.columns, step.k, c.row_stride, a.row_stride, b.row_stride}) {
    if (size > INT32_MAX)
      throw Error(message("a matrix product of ", step.rows, " x ", step.k, " by ", step.k, " x ",
                          step.columns, ": expected sizes and row strides of at most ", INT32_MAX,
                          ", but got ", size));
  }
  if (step.parts != 1)
    throw Error(
        message("internal error: the CUDA engine expected a matrix product in 1 part, but got ", step.parts));
  launch->launcher = cuda::product_launcher();
  launch->products = &engine.products;
  const bool converts = dtype == DType::float32 && engine.precision == CudaPrecision::bfloat16;
  launch->scalars_on_device = depends_on_rate(step.alpha) || depends_on_rate(step.beta);
  cuda::ProductShape shape;
  shape.factors = dtype == DType::float64                   ? cuda::FactorType::float64
                  : converts                                ? cuda::FactorType::bfloat16
                  : engine.precision == CudaPrecision::tf32 ? cuda::FactorType::tf32
                                                            : cuda::FactorType::float32;
  shape.transposed_a = step.transposed_a;
  shape.transposed_b = step.transposed_b;
  shape.m = step.rows;
  shape.n = step.columns;
  shape.k = step.k;
  shape.lda = a.row_stride;
  shape.ldb = b.row_stride;
  shape.ldc = c.row_stride;
  shape.alignment_a = alignment_of(a);
  shape.alignment_b = alignment_of(b);
  shape.alignment_c = alignment_of(c);
  shape.scalars_on_device = launch->scalars_on_device;
  if (converts) {
    convert_factors(launch);
    shape.lda = cuda::bfloat16_stride(cuda::factor_of(step, 0).columns);
    shape.ldb = cuda::bfloat16_stride(cuda::factor_of(step, 1).columns);
    shape.alignment_a = shape.alignment_b = cuda::most_alignment;
  }
  launch->product = engine.products.choose(shape);
}

// Records which memory the launch reads and writes. Leaves out the users' inputs, which no launch writes, and values
// between the steps of a tile, which no other launch uses.
void CudaProgram::record_accesses(const Step& step, Launch* launch) {
  for (int32_t i = 0; i < max_operands; ++i) {
    const Operand& operand = step.operands[i];
    if (operand.present() && operand.space != Space::input && operand.space != Space::scratch)
      launch->touches.push_back({operand, step.writes[i]});
  }
  if (launch->launcher == cuda::tile_launcher()) return;  // Its sums are in the shared memory of a block.
  if (const int64_t bytes = cuda::scratch_bytes(step); bytes > 0) touch_scratch(0, bytes, true, launch);
}

// Records an access to the stream's scratch, which contains the parts of sums and the copies of factors.
void CudaProgram::touch_scratch(int64_t offset, int64_t bytes, bool writes, Launch* launch) {
  Operand scratch;
  scratch.space = Space::scratch;
  scratch.offset = offset;
  scratch.bytes = bytes;
  launch->touches.push_back({scratch, writes});
}

// Adds the conversions that the product needs, before the product. Until assign_copy_offsets, `copies` contains the
// numbers of the copies instead of their offsets.
void CudaProgram::convert_factors(Launch* product) {
  for (int32_t i = 0; i < 2; ++i) {
    const cuda::Factor factor = cuda::factor_of(product->step, i);
    const cuda::Conversions::Use use = conversions_.use(factor, product->phase);
    product->copies[i] = use.copy;
    if (!use.is_new) continue;
    Launch conversion;
    conversion.launcher = cuda::conversion_launcher();
    conversion.phase = product->phase;
    conversion.step.kind = StepKind::copy;
    conversion.step.operands[1] = factor.operand;
    conversion.step.rows = factor.rows;
    conversion.step.columns = factor.columns;
    conversion.copies[0] = use.copy;
    conversion.touches = {{factor.operand, false}};
    launches.push_back(conversion);
  }
}

// Places the copies in scratch after the memory for sums.
void CudaProgram::assign_copy_offsets() {
  scratch_bytes = conversions_.place(scratch_bytes);
  for (Launch& launch : launches) {
    if (launch.launcher == cuda::conversion_launcher()) {
      launch.last_phase = conversions_.last_phase(static_cast<int32_t>(launch.copies[0]));
    }
    for (int64_t& copy : launch.copies) {
      if (copy < 0) continue;
      const int32_t number = static_cast<int32_t>(copy);
      copy = conversions_.offset(number);
      touch_scratch(copy, conversions_.bytes(number), launch.launcher == cuda::conversion_launcher(),
                    &launch);
    }
  }
}

// The factor has not been written since its conversion, otherwise no product would read the copy now. So the conversion
// gives the same copy again.
void CudaProgram::repeat_conversions(const cuda::Run& run, int32_t first) const {
  for (const Launch& launch : launches) {
    if (launch.phase < first && launch.last_phase >= first) launch.launcher(launch, run);
  }
}

void CudaProgram::add_segments(CudaEngine& engine, Launch* launch) {
  const bool sums = launch->step.kind == StepKind::sum_parts;
  const int64_t block = sums ? cuda::sum_parts_block : cuda::update_block;
  std::vector<Segment> segments;
  for (size_t i = 0; i < launch->steps.size(); ++i) {
    const Step& step = launch->steps[i];
    Segment segment{};
    segment.count = step.rows * step.columns;
    segment.first_block = launch->blocks;
    segment.parts = step.parts;
    segment.step_index = launch->step_index + static_cast<int32_t>(i);
    for (int32_t k = 0; k <= update_gradient; ++k) {
      const Operand& operand = step.operands[k];
      segment.offsets[k] = operand.offset;
      segment.spaces[k] = static_cast<int32_t>(operand.space);
      if (operand.present() && step.rows > 1 && operand.row_stride != step.columns) {
        throw Error(message("internal error: the CUDA engine expected operand ", k, " of a step (", step.rows,
                            " x ", step.columns, ", ", sums ? "a sum of parts" : "an update",
                            ") to have a row stride of ", step.columns, ", but got ", operand.row_stride));
      }
    }
    launch->blocks += (segment.count + block - 1) / block;
    segments.push_back(segment);
  }
  const int64_t bytes = static_cast<int64_t>(segments.size() * sizeof(Segment));
  tables_.emplace_back(engine.memory, cuda::MemoryKind::device);
  tables_.back().reserve(bytes);
  launch->segments = tables_.back().data();
  launch->segment_count = static_cast<int32_t>(segments.size());
  const std::lock_guard<std::mutex> lock(engine.mutex);
  cuda::copy(engine.queue.get(), launch->segments, segments.data(), bytes);
  cuda::synchronize(engine.queue.get());
}

// Computes the number of bytes of each slot that the program's steps read or write.
void CudaProgram::record_slots(const Step& step) {
  for (int32_t i = 0; i < max_operands; ++i) {
    const Operand& operand = step.operands[i];
    if (!operand.present() || (operand.space != Space::input && operand.space != Space::output)) continue;
    std::vector<int64_t>& bytes = operand.space == Space::input ? input_bytes : output_bytes;
    grow(&bytes, operand.slot);
    const bool spreads = operand.row_stride == 0;  // one value per sample, broadcast over the rows
    int64_t elements = (spreads ? 1 : step.rows) * step.columns;
    if (step.kind == StepKind::product) {
      elements = step.k * (i == 1 ? step.rows / step.parts : step.columns);
    }
    const bool labels = step.kind == StepKind::loss && step.labels && i == 2;
    const int64_t needed =
        labels ? step.columns * static_cast<int64_t>(sizeof(int32_t)) : elements * size_of(dtype);
    int64_t& known = bytes[static_cast<size_t>(operand.slot)];
    known = std::max(known, needed);
  }
}

}  // namespace chainrule
