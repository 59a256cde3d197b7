#include "backend/cuda/proxy.h"

#include <utility>

#include "util/check.h"

namespace chainrule {

namespace {

// Throws what a call through the table says.
void require_success(const char* problem) {
  if (problem != nullptr) throw Error(problem);
}

void require_same_build(const CudaLibrary& library) {
  if (library.version != cuda_library_version || library.struct_bytes != cuda_struct_bytes()) {
    throw Error(message("the CUDA library belongs to another version of Chainrule: expected version ",
                        cuda_library_version, " (", cuda_struct_bytes(),
                        " bytes of structs), but it has version ", library.version, " (",
                        library.struct_bytes, " bytes)"));
  }
}

// An opened device, closed when nobody holds it any more.
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
  void release(char* memory, int64_t) override {
    if (memory != nullptr) engine_.library.release_pinned(engine_.handle, memory);
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

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::shared_ptr<Engine> engine, CudaPrecision precision)
      : engine_(std::move(engine)), pinned_(*engine_), precision_(precision) {}

  char* allocate(int64_t bytes) override {
    REQUIRE(bytes >= 0, "memory: expected a size that is not negative, but ", bytes, " bytes were asked for");
    char* memory = nullptr;
    if (bytes != 0) require_success(table().allocate(engine_->handle, bytes, &memory));
    return memory;
  }
  void release(char* memory, int64_t) override {
    if (memory != nullptr) table().release(engine_->handle, memory);
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
  // Half of what is free: the rest is for batches.
  int64_t resident_bytes() override {
    int64_t bytes = 0;
    require_success(table().free_bytes(engine_->handle, &bytes));
    return bytes / 2;
  }
  bool merges_steps() const override { return false; }

  // Rows begin at a multiple of 16 values, so that every row can be read in vectors and products take their fast paths.
  int64_t leading_dimension(DType, int64_t columns) const override {
    return columns == 1 ? 1 : (columns + 15) / 16 * 16;
  }

  // A step is one launch, cut by its kernel; a product is the BLAS's to cut, its k included.
  Grid grid(const Step& step, DType) const override { return {step.rows, step.columns, 1, 1}; }
  int64_t part_depth(int64_t, int64_t, int64_t k) const override { return k; }
  bool joins_columns(const Step&, DType, const Grid&) const override { return false; }
  int64_t scratch_bytes() const override { return 0; }

  const char* product_by(const Step&, DType dtype) const override {
    if (dtype == DType::float64) return "cuBLASLt, double";
    switch (precision_) {
      case CudaPrecision::tf32: return "cuBLASLt, TF32";
      case CudaPrecision::bfloat16: return "cuBLASLt, bfloat16";
      default: return "cuBLASLt";
    }
  }

  void prepare(Program& program) const override {
    const CudaProgramView view{program.dtype,
                               program.steps.data(),
                               static_cast<int32_t>(program.steps.size()),
                               program.phases.data(),
                               static_cast<int32_t>(program.phases.size()),
                               program.backward_begin,
                               program.loss};
    CudaProgram* made = nullptr;
    require_success(table().prepare(engine_->handle, &view, &made));
    program.prepared = std::shared_ptr<void>(made, [engine = engine_](void* of) {
      engine->library.destroy_program(engine->handle, static_cast<CudaProgram*>(of));
    });
  }

  void run(const Program& program, const Context& context, int32_t first, int32_t last) override {
    require_success(table().run(engine_->handle, stream(context), prepared(program), &context, first, last));
  }

  double run_to_loss(const Program& program, const Context& context) override {
    double loss = 0;
    require_success(
        table().run_to_loss(engine_->handle, stream(context), prepared(program), &context, &loss));
    return loss;
  }

 private:
  const CudaLibrary& table() const { return engine_->library; }
  static CudaStream* stream(const Context& context) {
    if (context.stream == nullptr)
      throw Error("the CUDA engine runs nothing without a stream of the caller's");
    return static_cast<ProxyStream*>(context.stream)->handle;
  }
  static CudaProgram* prepared(const Program& program) {
    return static_cast<CudaProgram*>(program.prepared.get());
  }

  const std::shared_ptr<Engine> engine_;
  PinnedMemory pinned_;
  const CudaPrecision precision_;
};

}  // namespace

std::unique_ptr<Backend> open_cuda_engine(const CudaLibrary& library, int32_t device,
                                          CudaPrecision precision) {
  require_same_build(library);
  auto engine = std::make_shared<Engine>(library);
  require_success(library.open(device, precision, &engine->handle));
  return std::make_unique<CudaBackend>(std::move(engine), precision);
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
