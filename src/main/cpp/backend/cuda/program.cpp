// Making a program ready: a launch for each step, one for all updates that follow each other, one for each factor that is
// converted, and the sizes of what it reads and writes.
#include "backend/cuda/program.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "backend/cuda/engine.h"
#include "backend/cuda/kernels/convert.h"
#include "util/check.h"

namespace chainrule {

namespace {

using cuda::Launch;
using cuda::Segment;

int64_t next_number() {
  static std::atomic<int64_t> last{0};
  return ++last;
}

// What the address of an operand is a multiple of, blocks being multiples of 256.
int32_t alignment_of(const Operand& operand) {
  int64_t bytes = 256;
  while (operand.offset % bytes != 0) bytes /= 2;
  return static_cast<int32_t>(bytes);
}

bool depends_on_rate(const Coefficient& coefficient) { return coefficient.per_learning_rate != 0; }

bool is_update(const Step& step) { return step.kind == StepKind::sgd || step.kind == StepKind::adam; }

void grow(std::vector<int64_t>* values, int32_t index) {
  if (values->size() <= static_cast<size_t>(index)) values->resize(static_cast<size_t>(index) + 1, 0);
}

cuda::Launcher find_launcher(const Step& step, DType dtype) {
  using Find = cuda::Launcher (*)(const Step&, DType);
  for (Find find :
       {cuda::find_elementwise, cuda::find_rowwise, cuda::find_loss, cuda::find_layout, cuda::find_update}) {
    if (const cuda::Launcher found = find(step, dtype)) return found;
  }
  throw Error(message("the CUDA engine has no kernel for step kind ", static_cast<int32_t>(step.kind),
                      " of operation ", name_of(step.op)));
}

}  // namespace

CudaProgram::CudaProgram(CudaEngine& engine, const CudaProgramView& view)
    : number(next_number()),
      dtype(view.dtype),
      phases(view.phase_count),
      backward_begin(view.backward_begin),
      loss(view.loss) {
  std::vector<std::vector<Segment>> updates;
  for (int32_t p = 0; p < view.phase_count; ++p) {
    for (int32_t i = 0; i < view.phases[p].steps; ++i) {
      const int32_t index = view.phases[p].first_step + i;
      const Step& step = view.steps[index];
      if (!is_custom(step)) note_slots(step);
      const bool joins = is_update(step) && !launches.empty() && launches.back().step.kind == step.kind;
      // an operation of the user's own is called by the core, between two runs
      if (!joins && !is_custom(step)) add_launch(engine, step, index, p);
      conversions_.note_writes(step);
      if (!is_custom(step)) note_touches(step, &launches.back());
      if (!is_update(step)) continue;
      if (!joins) updates.emplace_back();
      add_update(step, &launches.back(), &updates.back());
    }
  }
  place_copies();
  for (int32_t i = 0; i < view.step_count; ++i) {
    alphas.push_back(view.steps[i].alpha);
    betas.push_back(view.steps[i].beta);
  }
  size_t update = 0;
  for (Launch& launch : launches) {
    if (!is_update(launch.step)) continue;
    const std::vector<Segment>& segments = updates[update++];
    const int64_t bytes = static_cast<int64_t>(segments.size() * sizeof(Segment));
    tables_.emplace_back(engine.memory, cuda::MemoryKind::device);
    tables_.back().reserve(bytes);
    launch.segments = tables_.back().data();
    launch.segment_count = static_cast<int32_t>(segments.size());
    const std::lock_guard<std::mutex> lock(engine.mutex);
    cuda::copy(engine.queue.get(), launch.segments, segments.data(), bytes);
    cuda::synchronize(engine.queue.get());
  }
}

void CudaProgram::add_launch(CudaEngine& engine, const Step& step, int32_t index, int32_t phase) {
  Launch launch;
  launch.step = step;
  launch.step_index = index;
  launch.phase = phase;
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
    if (size <= INT32_MAX && step.parts == 1) continue;
    throw Error(message("a matrix product of ", step.rows, " x ", step.k, " by ", step.k, " x ", step.columns,
                        ": cuBLAS takes at most ", INT32_MAX, " rows or columns"));
  }
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
    shape.alignment_a = shape.alignment_b = 256;
  }
  launch->product = engine.products.choose(shape);
}

// Users' data, and what is between the steps of one launch, no other launch writes.
void CudaProgram::note_touches(const Step& step, Launch* launch) {
  for (int32_t i = 0; i < max_operands; ++i) {
    const Operand& operand = step.operands[i];
    if (operand.present() && operand.space != Space::input && operand.space != Space::scratch)
      launch->touches.push_back({operand, step.writes[i]});
  }
  if (const int64_t bytes = cuda::scratch_bytes(step); bytes > 0) touch_scratch(0, bytes, true, launch);
}

// Scratch of the stream, in which sums keep parts and products have copies of factors.
void CudaProgram::touch_scratch(int64_t offset, int64_t bytes, bool writes, Launch* launch) {
  Operand scratch;
  scratch.space = Space::scratch;
  scratch.offset = offset;
  scratch.bytes = bytes;
  launch->touches.push_back({scratch, writes});
}

// The conversions that the product needs come before it. Until all copies are placed, launches have their numbers.
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

// Behind what sums need of scratch.
void CudaProgram::place_copies() {
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

// What was converted before has not been written since, or the copy would not be read from here on: the same again.
void CudaProgram::begin(const cuda::Run& run, int32_t first) const {
  for (const Launch& launch : launches) {
    if (launch.phase < first && launch.last_phase >= first) launch.launcher(launch, run);
  }
}

void CudaProgram::add_update(const Step& step, Launch* launch, std::vector<Segment>* segments) {
  Segment segment{};
  segment.count = step.rows * step.columns;
  segment.first_block = launch->blocks;
  // sgd: w v? g; adam: w m v g
  const int32_t places[2][4] = {{0, 1, -1, 2}, {0, 1, 2, 3}};
  for (int32_t k = 0; k < 4; ++k) {
    const int32_t place = places[step.kind == StepKind::adam ? 1 : 0][k];
    const Operand none, &operand = place < 0 ? none : step.operands[place];
    segment.offsets[k] = operand.offset;
    segment.spaces[k] = static_cast<int32_t>(operand.space);
    if (operand.present() && step.rows > 1 && operand.row_stride != step.columns) {
      throw Error(message("the CUDA engine updates dense parameters, but one of ", step.rows, " x ",
                          step.columns, " has rows ", operand.row_stride, " apart"));
    }
  }
  launch->blocks += (segment.count + cuda::update_block - 1) / cuda::update_block;
  segments->push_back(segment);
}

// How many bytes of each slot the program reads or writes: all that its steps reach.
void CudaProgram::note_slots(const Step& step) {
  for (int32_t i = 0; i < max_operands; ++i) {
    const Operand& operand = step.operands[i];
    if (!operand.present() || (operand.space != Space::input && operand.space != Space::output)) continue;
    std::vector<int64_t>& bytes = operand.space == Space::input ? input_bytes : output_bytes;
    grow(&bytes, operand.slot);
    int64_t elements = step.rows * step.columns;
    if (step.kind == StepKind::product) elements = i == 1 ? step.rows * step.k : step.k * step.columns;
    const bool labels = step.kind == StepKind::loss && step.labels && i == 2;
    const int64_t needed =
        labels ? step.columns * static_cast<int64_t>(sizeof(int32_t)) : elements * size_of(dtype);
    int64_t& known = bytes[static_cast<size_t>(operand.slot)];
    known = std::max(known, needed);
  }
}

}  // namespace chainrule
