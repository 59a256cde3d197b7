#include "backend/cuda/proxy.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "backend/cpu/custom.h"
#include "backend/cuda/tiles.h"
#include "util/check.h"

namespace chainrule {

namespace {

// Throws Error with the message that a function of the table has returned, if there is one.
void require_success(const char* problem) {
  if (problem != nullptr) throw Error(problem);
}

void require_same_build(const CudaLibrary& library) {
  if (library.version != cuda_library_version || library.struct_bytes != cuda_struct_bytes()) {
    throw Error(message("the CUDA library belongs to another version of Chainrule: expected version ",
                        cuda_library_version, " (", cuda_struct_bytes(),
                        " bytes of structs), but got version ", library.version, " (", library.struct_bytes,
                        " bytes)"));
  }
}

// An opened device. It is closed with its last shared_ptr.
struct Engine {
  const CudaLibrary& library;
  CudaEngine* handle = nullptr;

  explicit Engine(const CudaLibrary& table) : library(table) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    if (handle != nullptr) library.close(handle);
  }
};

class PinnedMemory final : public Memory {
 public:
  explicit PinnedMemory(const Engine& engine) : engine_(engine) {}

  char* allocate(int64_t bytes) override {
    char* memory = nullptr;
    if (bytes != 0) require_success(engine_.library.allocate_pinned(engine_.handle, bytes, &memory));
    return memory;
  }
  void release(char* memory, int64_t bytes) override {
    if (memory != nullptr) engine_.library.release_pinned(engine_.handle, memory, bytes);
  }

 private:
  const Engine& engine_;
};

class ProxyStream final : public Stream {
 public:
  explicit ProxyStream(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {
    require_success(engine_->library.make_stream(engine_->handle, &handle));
  }
  ~ProxyStream() override { engine_->library.destroy_stream(engine_->handle, handle); }

  CudaStream* handle = nullptr;

 private:
  const std::shared_ptr<Engine> engine_;
};

// A prepared program. It is freed with the last plan that refers to it.
struct Prepared {
  std::shared_ptr<Engine> engine;
  CudaProgram* handle = nullptr;
  bool calls_user = false;  // The program contains custom operations.

  Prepared(std::shared_ptr<Engine> on, const CudaProgramView& view) : engine(std::move(on)) {
    require_success(engine->library.prepare(engine->handle, &view, &handle));
    for (int32_t i = 0; i < view.step_count; ++i) calls_user = calls_user || is_custom(view.steps[i]);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;
  ~Prepared() {
    if (handle != nullptr) engine->library.destroy_program(engine->handle, handle);
  }
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::shared_ptr<Engine> engine, CudaPrecision precision, Tuning tuning)
      : engine_(std::move(engine)), pinned_(*engine_), precision_(precision), tuning_(std::move(tuning)) {
    if (!tuning_.keep) return;
    require_success(table().tune(engine_->handle, tuning_.known.c_str(), tuning_.first_line));
  }

  char* allocate(int64_t bytes) override {
    REQUIRE(bytes >= 0, "memory: expected a size of 0 or more bytes, but got ", bytes);
    char* memory = nullptr;
    if (bytes != 0) require_success(table().allocate(engine_->handle, bytes, &memory));
    return memory;
  }
  void release(char* memory, int64_t bytes) override {
    if (memory != nullptr) table().release(engine_->handle, memory, bytes);
  }

  bool on_host() const override { return false; }
  Memory& host_memory() override { return pinned_; }
  void copy_in(char* to, const void* from, int64_t bytes) override {
    if (bytes > 0) require_success(table().copy_in(engine_->handle, to, from, bytes));
  }
  void copy_out(void* to, const char* from, int64_t bytes) override {
    if (bytes > 0) require_success(table().copy_out(engine_->handle, to, from, bytes));
  }
  void copy(char* to, const char* from, int64_t bytes) override {
    if (bytes > 0) require_success(table().copy(engine_->handle, to, from, bytes));
  }
  void zero(char* to, int64_t bytes) override {
    if (bytes > 0) require_success(table().zero(engine_->handle, to, bytes));
  }

  std::unique_ptr<Stream> make_stream() override { return std::make_unique<ProxyStream>(engine_); }
  // Returns half of the free memory. The rest is left for batches.
  int64_t resident_bytes() override { return memory_bytes().free / 2; }
  MemoryBytes memory_bytes() override {
    MemoryBytes bytes;
    require_success(table().memory_bytes(engine_->handle, &bytes));
    return bytes;
  }
  bool joins(const Joining& by, DType dtype) const override { return cuda::joins_phase(by, dtype); }
  bool runs_concurrently(StepKind kind) const override {
    return kind == StepKind::update || kind == StepKind::sum_parts;
  }
  bool updates_last() const override { return true; }

  // Rows begin at multiples of 16 values, so that kernels can read every row in vectors and the BLAS can use its fast
  // paths.
  int64_t leading_dimension(DType, int64_t columns) const override {
    return columns == 1 ? 1 : (columns + 15) / 16 * 16;
  }

  // A step that does not run on tiles of samples is one launch: its kernel divides the domain among blocks of threads.
  // The BLAS divides its products itself, including k.
  Grid grid(const Step& step, DType dtype) const override {
    if (cuda::runs_on_tiles(step, dtype)) return cuda::tile_grid(step);
    return {step.rows, step.columns, 1, 1};
  }
  int64_t part_depth(DType dtype, int64_t rows, int64_t columns, int64_t k,
                     bool over_samples) const override {
    const bool in_parts = over_samples && cuda::is_narrow(dtype, rows, columns) && k <= cuda::most_samples;
    return in_parts ? std::min(k, cuda::tile_part_depth(k)) : k;
  }
  bool transposes_input(DType dtype, int64_t weight_rows, int64_t weight_columns) const override {
    return cuda::is_narrow(dtype, weight_rows, weight_columns);
  }
  bool joins_columns(const Step& product, DType dtype, const Grid&) const override {
    return cuda::runs_on_tiles(product, dtype) && !product.over_samples;
  }
  // The columns of the phase must be samples. A phase with a single tile may begin with a sum over samples, whose
  // columns are features.
  bool has_scratch(const Phase& phase, const std::vector<const Step*>& steps, DType dtype) const override {
    return steps.size() > 1 && cuda::runs_on_tiles(*steps.front(), dtype) &&
           (phase.grid.tiles() > 1 || !steps.front()->over_samples);
  }
  int64_t scratch_bytes() const override { return cuda::tile_scratch_bytes; }
  int64_t scratch_stride(DType, int64_t) const override { return cuda::tile_stride; }

  std::string product_by(const Program& program, int32_t step) const override {
    std::string by = product_by(program.dtype);
    for (const Phase& phase : program.phases) {
      if (step < phase.first_step || step >= phase.first_step + phase.steps) continue;
      const Step* const first = &program.steps[static_cast<size_t>(phase.first_step)];
      if (cuda::is_tile_phase(phase, *first, phase.steps, program.dtype)) by = "tile kernel";
    }
    const char* note = nullptr;
    require_success(table().product_note(engine_->handle, prepared(program).handle, step, &note));
    return by + note;
  }

  std::string tuned_products() const override { return tuned().for_people; }

  void prepare(Program& program) const override {
    const CudaProgramView view{program.dtype,
                               program.steps.data(),
                               static_cast<int32_t>(program.steps.size()),
                               program.phases.data(),
                               static_cast<int32_t>(program.phases.size()),
                               program.backward_begin,
                               program.loss};
    program.prepared = std::make_shared<Prepared>(engine_, view);
    if (tuning_.keep) keep_tuning();
  }

  void run(const Program& program, const Context& context, int32_t first, int32_t last) override {
    int32_t begin = first;
    for (int32_t p = first; prepared(program).calls_user && p < last; ++p) {
      const Step& step =
          program.steps[static_cast<size_t>(program.phases[static_cast<size_t>(p)].first_step)];
      if (!is_custom(step)) continue;
      run_on_device(program, context, begin, p);
      call_user(step, program.dtype, context);
      begin = p + 1;
    }
    run_on_device(program, context, begin, last);
  }

  double run_to_loss(const Program& program, const Context& context) override {
    if (prepared(program).calls_user) return Backend::run_to_loss(program, context);
    const StepNumbers numbers =
        StepNumbers::of(context.update, context.position, context.step, context.first_sample);
    double loss = 0;
    int32_t made = 0;
    run_steps(program, context, &numbers, 1, nullptr, &loss, &made);
    return loss;
  }

  int32_t max_burst() const override { return cuda_max_burst; }

  void run_steps(const Program& program, const Context& context, const StepNumbers* numbers, int32_t count,
                 StepInputs* inputs, double* losses, int32_t* made) override {
    const Prepared& ready = prepared(program);
    if (ready.calls_user) return Backend::run_steps(program, context, numbers, count, inputs, losses, made);
    *made = 0;
    CudaStream* own = stream(context);
    require_success(table().begin_steps(engine_->handle, own, ready.handle, &context, numbers, count));
    int32_t launched = 0;
    std::exception_ptr problem;
    try {
      Context step = context;
      for (; launched < count; ++launched) {
        if (inputs != nullptr && context.columns == nullptr) {
          require_success(table().await_inputs(engine_->handle, own, launched));
          step.inputs = inputs->addresses(launched);
        }
        require_success(table().launch_step(engine_->handle, own, ready.handle, &step, launched));
      }
      if (inputs != nullptr) inputs->while_computing();
    } catch (...) {
      problem = std::current_exception();  // end_steps still waits for the launched steps.
    }
    const char* ended = table().end_steps(engine_->handle, own, ready.handle, &context, launched, losses);
    // If both failed, the first error is the cause of the second.
    if (ended != nullptr && problem != nullptr) std::rethrow_exception(problem);
    require_success(ended);
    while (*made < launched && std::isfinite(losses[*made])) ++*made;
    if (problem != nullptr && *made == launched) std::rethrow_exception(problem);
  }

 private:
  const CudaLibrary& table() const { return engine_->library; }

  const char* product_by(DType dtype) const {
    if (dtype == DType::float64) return "cuBLASLt, double";
    switch (precision_) {
      case CudaPrecision::tf32: return "cuBLASLt, TF32";
      case CudaPrecision::bfloat16: return "cuBLASLt, bfloat16";
      default: return "cuBLASLt";
    }
  }

  CudaTuned tuned() const {
    CudaTuned found{};
    require_success(table().tuned_products(engine_->handle, &found));
    return found;
  }

  // Stores the choices if products have been timed since they were stored last: by the program just prepared, or by an
  // earlier one whose choices could not be stored.
  void keep_tuning() const {
    const std::lock_guard<std::mutex> lock(keeping_);
    const CudaTuned found = tuned();
    if (found.timed == kept_) return;
    tuning_.keep(found.lines);
    kept_ = found.timed;
  }

  static CudaStream* stream(const Context& context) {
    if (context.stream == nullptr)
      throw Error("the CUDA engine expected a stream to run a program on, but got none");
    return static_cast<ProxyStream*>(context.stream)->handle;
  }
  static const Prepared& prepared(const Program& program) {
    return *static_cast<const Prepared*>(program.prepared.get());
  }

  void run_on_device(const Program& program, const Context& context, int32_t first, int32_t last) {
    if (first == last) return;
    require_success(
        table().run(engine_->handle, stream(context), prepared(program).handle, &context, first, last));
  }

  // Runs a custom operation on the host, on copies of its operands.
  void call_user(const Step& step, DType dtype, const Context& context) {
    Step on_host = step;
    int64_t bytes[max_operands] = {}, total = 0;
    for (int32_t i = 0; i < max_operands; ++i) {
      Operand& operand = on_host.operands[i];
      if (!operand.present()) continue;
      bytes[i] = ((step.rows - 1) * operand.row_stride + step.columns) * size_of(dtype);
      operand.space = Space::arena;
      operand.offset = total;
      total += (bytes[i] + 63) / 64 * 64;
    }
    std::vector<char> copies(static_cast<size_t>(total));
    const auto on_device = [&](int32_t i) {
      return context.base[static_cast<int32_t>(step.operands[i].space)] + step.operands[i].offset;
    };
    for (int32_t i = 0; i < max_operands; ++i) {
      if (bytes[i] > 0) copy_out(copies.data() + on_host.operands[i].offset, on_device(i), bytes[i]);
    }
    Context host;
    host.base[static_cast<int32_t>(Space::arena)] = copies.data();
    custom_kernel(dtype)(on_host, host, Rect{0, step.rows, 0, step.columns});
    copy_in(on_device(0), copies.data(), bytes[0]);
  }

  const std::shared_ptr<Engine> engine_;
  PinnedMemory pinned_;
  const CudaPrecision precision_;
  const Tuning tuning_;
  mutable std::mutex keeping_;
  mutable int64_t kept_ = 0;  // the number of timed products whose choices have been stored
};

}  // namespace

std::unique_ptr<Backend> open_cuda_engine(const CudaLibrary& library, int32_t device, CudaPrecision precision,
                                          Tuning tuning) {
  require_same_build(library);
  auto engine = std::make_shared<Engine>(library);
  require_success(library.open(device, precision, &engine->handle));
  return std::make_unique<CudaBackend>(std::move(engine), precision, std::move(tuning));
}

CudaVersions cuda_versions(const CudaLibrary& library) {
  require_same_build(library);
  CudaVersions found;
  require_success(library.versions(&found));
  return found;
}

CudaDevice describe_cuda_device(const CudaLibrary& library, int32_t device) {
  require_same_build(library);
  CudaDevice found;
  require_success(library.describe(device, &found));
  return found;
}

}  // namespace chainrule
