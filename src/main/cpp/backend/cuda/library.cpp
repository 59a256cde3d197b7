// The table of functions. Every function selects the engine's device for the calling thread and converts exceptions
// into error messages.
#include "backend/cuda/library.h"

#include <cstring>
#include <exception>
#include <string>

#include "backend/cuda/engine.h"
#include "backend/cuda/product_text.h"

namespace chainrule {

namespace {

// Runs body. Returns null or an error message that stays valid until the thread's next call.
template <class Body>
const char* guarded(Body&& body) noexcept {
  thread_local std::string problem;
  try {
    body();
    return nullptr;
  } catch (const std::exception& error) {
    try {
      problem = error.what();
      return problem.c_str();
    } catch (...) {
      return "out of memory while an error message was being stored";
    }
  } catch (...) {
    return "the CUDA engine failed for an unknown reason";
  }
}

template <class Body>
const char* on_device(const CudaEngine* engine, Body&& body) noexcept {
  return guarded([&] {
    cuda::use(engine->device);
    body();
  });
}

// Runs body on the engine's own queue, which serves work that belongs to no caller's stream, and waits for it. One
// thread at a time.
template <class Body>
void with_engine_queue(CudaEngine* engine, Body&& body) {
  const std::lock_guard<std::mutex> lock(engine->mutex);
  body(engine->queue.get());
  cuda::synchronize(engine->queue.get());
}
template <class Body>
const char* on_engine_queue(CudaEngine* engine, Body&& body) noexcept {
  return on_device(engine, [&] { with_engine_queue(engine, body); });
}

// Runs body, which enqueues work on a caller's stream. If body fails, the device may still execute what was enqueued
// before. Therefore this waits for the stream: when it returns, the caller may free the memory that the work uses.
template <class Body>
const char* on_stream(CudaEngine* engine, CudaStream* stream, Body&& body) noexcept {
  return on_device(engine, [&] {
    try {
      body();
    } catch (...) {
      stream->wait();
      throw;
    }
  });
}

const char* versions(CudaVersions* found) {
  return guarded([&] { *found = cuda::versions(); });
}
const char* describe(int32_t device, CudaDevice* about) {
  return guarded([&] { *about = cuda::describe(device); });
}

const char* open(int32_t device, CudaPrecision precision, CudaEngine** engine) {
  return guarded([&] { *engine = new CudaEngine(device, precision); });
}
void close(CudaEngine* engine) {
  on_device(engine, [&] { delete engine; });
}

// The engine's queue zeroes device memory. The calling thread zeroes pinned memory.
const char* allocate(CudaEngine* engine, cuda::MemoryKind kind, int64_t bytes, char** memory) {
  return on_device(engine, [&] {
    cuda::Block block(engine->memory, kind);
    block.reserve(bytes);
    if (kind == cuda::MemoryKind::pinned) {
      std::memset(block.data(), 0, static_cast<size_t>(bytes));
    } else {
      with_engine_queue(engine, [&](cuda::Queue* queue) { cuda::zero(queue, block.data(), bytes); });
    }
    *memory = block.take();
  });
}
const char* allocate_device(CudaEngine* engine, int64_t bytes, char** memory) {
  return allocate(engine, cuda::MemoryKind::device, bytes, memory);
}
const char* allocate_pinned(CudaEngine* engine, int64_t bytes, char** memory) {
  return allocate(engine, cuda::MemoryKind::pinned, bytes, memory);
}
void release_device(CudaEngine* engine, char* memory, int64_t bytes) {
  on_device(engine, [&] { engine->memory.release(cuda::MemoryKind::device, memory, bytes); });
}
void release_pinned(CudaEngine* engine, char* memory, int64_t bytes) {
  on_device(engine, [&] { engine->memory.release(cuda::MemoryKind::pinned, memory, bytes); });
}
const char* memory_bytes(CudaEngine* engine, MemoryBytes* bytes) {
  return on_device(engine, [&] { *bytes = engine->memory.bytes(); });
}

const char* copy_in(CudaEngine* engine, char* to, const void* from, int64_t bytes) {
  return on_engine_queue(engine, [&](cuda::Queue* queue) { cuda::copy(queue, to, from, bytes); });
}
const char* copy_out(CudaEngine* engine, void* to, const char* from, int64_t bytes) {
  return on_engine_queue(engine, [&](cuda::Queue* queue) { cuda::copy(queue, to, from, bytes); });
}
const char* copy(CudaEngine* engine, char* to, const char* from, int64_t bytes) {
  return on_engine_queue(engine, [&](cuda::Queue* queue) { cuda::copy(queue, to, from, bytes); });
}
const char* zero(CudaEngine* engine, char* to, int64_t bytes) {
  return on_engine_queue(engine, [&](cuda::Queue* queue) { cuda::zero(queue, to, bytes); });
}

const char* make_stream(CudaEngine* engine, CudaStream** stream) {
  return on_device(engine, [&] { *stream = new CudaStream(*engine); });
}
void destroy_stream(CudaEngine* engine, CudaStream* stream) {
  on_device(engine, [&] { delete stream; });
}
const char* prepare(CudaEngine* engine, const CudaProgramView* view, CudaProgram** program) {
  return on_device(engine, [&] { *program = new CudaProgram(*engine, *view); });
}
void destroy_program(CudaEngine* engine, CudaProgram* program) {
  on_device(engine, [&] { delete program; });
}

const char* run(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                int32_t first, int32_t last) {
  return on_stream(engine, stream, [&] { stream->run(*program, *context, first, last); });
}
const char* begin_steps(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                        const StepNumbers* numbers, int32_t count) {
  return on_stream(engine, stream, [&] { stream->begin_steps(*program, *context, numbers, count); });
}
const char* await_inputs(CudaEngine* engine, CudaStream* stream, int32_t step) {
  return on_stream(engine, stream, [&] { stream->await_inputs(step); });
}
const char* launch_step(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                        int32_t step) {
  return on_stream(engine, stream, [&] { stream->launch_step(*program, *context, step); });
}
const char* end_steps(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                      int32_t launched, double* losses) {
  return on_stream(engine, stream, [&] { stream->end_steps(*program, *context, launched, losses); });
}

const char* tune(CudaEngine* engine, const char* known, int32_t first_line) {
  return on_device(engine, [&] { engine->products.tune(known, first_line); });
}
const char* tuned_products(CudaEngine* engine, CudaTuned* tuned) {
  thread_local cuda::Products::Tuned found;
  return on_device(engine, [&] {
    found = engine->products.tuned();
    *tuned = {found.lines.c_str(), found.for_people.c_str(), found.timed};
  });
}
const char* product_note(CudaEngine* engine, CudaProgram* program, int32_t step, const char** note) {
  thread_local std::string text;
  return on_device(engine, [&] {
    text.clear();
    for (const cuda::Launch& launch : program->launches) {
      if (launch.step_index == step && launch.product != nullptr) text = describe_times(*launch.product);
      const bool has_step =
          step >= launch.step_index && step < launch.step_index + static_cast<int32_t>(launch.steps.size());
      if (has_step && launch.table >= 0 && !engine->large_parameters) text = ", instructions in memory";
    }
    *note = text.c_str();
  });
}

}  // namespace

}  // namespace chainrule

extern "C" __attribute__((visibility("default"))) const chainrule::CudaLibrary* chainrule_cuda_library(void) {
  using namespace chainrule;
  static const CudaLibrary table = {cuda_library_version,
                                    cuda_struct_bytes(),
                                    versions,
                                    describe,
                                    open,
                                    close,
                                    allocate_device,
                                    release_device,
                                    allocate_pinned,
                                    release_pinned,
                                    memory_bytes,
                                    copy_in,
                                    copy_out,
                                    copy,
                                    zero,
                                    make_stream,
                                    destroy_stream,
                                    prepare,
                                    destroy_program,
                                    run,
                                    begin_steps,
                                    await_inputs,
                                    launch_step,
                                    end_steps,
                                    tune,
                                    tuned_products,
                                    product_note};
  return &table;
}
