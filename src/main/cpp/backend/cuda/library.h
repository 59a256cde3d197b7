// The border between the core and libchainrule_cuda.so, the second native library, which only those load who ask for a
// CUDA device. Each library has its C++ runtime to itself, so no exception, no C++ object with memory of its own and no
// virtual function crosses: only this table of functions and plain structs. A function that fails returns a sentence,
// which stays valid until the thread's next call through the table; null means that all went well.
#pragma once

#include <cstdint>

#include "backend/backend.h"

namespace chainrule {

// How products of floats are computed. Parameters, states and everything else stay float; doubles are always products
// of doubles.
enum class CudaPrecision : int32_t {
  float32 = 0,   // as on the CPU
  tf32 = 1,      // factors rounded to 10 bits of fraction inside the tensor cores, sums in float
  bfloat16 = 2,  // factors converted to bfloat16, sums in float
};

struct CudaVersions {
  int32_t driver = 0;   // the newest CUDA that the driver serves, 13000 for 13.0; 0: there is no driver
  int32_t runtime = 0;  // the CUDA that the library was built with
  int64_t cublas = 0;   // cublasLtGetVersion() of the library that was loaded
  int32_t devices = 0;
};

struct CudaDevice {
  char name[256] = {};
  int32_t capability_major = 0, capability_minor = 0;
  int64_t total_bytes = 0;
};

// A program as plain memory; it lasts only for the call.
struct CudaProgramView {
  DType dtype;
  const Step* steps;
  int32_t step_count;
  const Phase* phases;
  int32_t phase_count;
  int32_t backward_begin;
  Operand loss;
};

// The texts stay valid until the thread's next call.
struct CudaTuned {
  const char* lines;
  const char* for_people;
  int64_t timed;
};

struct CudaEngine;   // a device opened with a precision
struct CudaStream;   // a caller's queue, buffers for inputs and outputs, and captured graphs
struct CudaProgram;  // a program made ready

struct CudaLibrary {
  int32_t version;       // cuda_library_version of the build
  int32_t struct_bytes;  // cuda_struct_bytes() of the build

  const char* (*versions)(CudaVersions* versions);  // never fails for want of a driver
  const char* (*describe)(int32_t device, CudaDevice* about);

  // Reads CHAINRULE_CUDA_GRAPHS, CHAINRULE_CUDA_LARGE_PARAMETERS (engine.h) and CHAINRULE_CUDA_POOL (memory.h).
  const char* (*open)(int32_t device, CudaPrecision precision, CudaEngine** engine);
  void (*close)(CudaEngine* engine);  // after all that was made with it has been destroyed

  // Device memory, zeroed; pinned memory of the processor's, zeroed.
  const char* (*allocate)(CudaEngine* engine, int64_t bytes, char** memory);
  void (*release)(CudaEngine* engine, char* memory, int64_t bytes);
  const char* (*allocate_pinned)(CudaEngine* engine, int64_t bytes, char** memory);
  void (*release_pinned)(CudaEngine* engine, char* memory, int64_t bytes);
  const char* (*memory_bytes)(CudaEngine* engine, MemoryBytes* bytes);
  const char* (*copy_in)(CudaEngine* engine, char* to, const void* from, int64_t bytes);
  const char* (*copy_out)(CudaEngine* engine, void* to, const char* from, int64_t bytes);
  const char* (*copy)(CudaEngine* engine, char* to, const char* from, int64_t bytes);
  const char* (*zero)(CudaEngine* engine, char* to, int64_t bytes);

  const char* (*make_stream)(CudaEngine* engine, CudaStream** stream);
  void (*destroy_stream)(CudaEngine* engine, CudaStream* stream);
  const char* (*prepare)(CudaEngine* engine, const CudaProgramView* view, CudaProgram** program);
  void (*destroy_program)(CudaEngine* engine, CudaProgram* program);

  // As Backend::run; the stream is that of the caller.
  const char* (*run)(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                     int32_t first, int32_t last);

  // A burst of steps, as Backend::run_steps: begin_steps, then for each step in turn (await_inputs and) launch_step, which
  // does not wait, then end_steps, which does, and tells the losses of those that were launched.
  // await_inputs returns when the processor's memory that step - 2 took its data from has been read.
  const char* (*begin_steps)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                             const Context* context, const StepNumbers* numbers, int32_t count);
  const char* (*await_inputs)(CudaEngine* engine, CudaStream* stream, int32_t step);
  const char* (*launch_step)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                             const Context* context, int32_t step);
  const char* (*end_steps)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                           const Context* context, int32_t launched, double* losses);

  // Tuning. Products of programs prepared from now on are chosen by timing them, or from `known`: lines as tuned_products
  // gives them. A sentence on one that cannot be read begins with its number, the first one's being first_line; an algorithm
  // that the BLAS does not propose for its product is left out, and the product timed.
  const char* (*tune)(CudaEngine* engine, const char* known, int32_t first_line);
  // Of a tuned engine: all choices, a line each, as `known` wants them and for people; how many were timed by it so far.
  const char* (*tuned_products)(CudaEngine* engine, CudaTuned* tuned);
  // What a plan says of a step's product besides who computes it: nothing, what was timed, or where a tile's instructions are.
  const char* (*product_note)(CudaEngine* engine, CudaProgram* program, int32_t step, const char** note);
};

// Maximum burst length, in steps.
constexpr int32_t cuda_max_burst = 64;

constexpr int32_t cuda_library_version = 4;

// Tells a library that was built from other headers.
constexpr int32_t cuda_struct_bytes() {
  return static_cast<int32_t>(sizeof(CudaLibrary) + sizeof(CudaVersions) + sizeof(CudaDevice) +
                              sizeof(CudaTuned) + sizeof(CudaProgramView) + sizeof(Step) + sizeof(Phase) +
                              sizeof(Context) + sizeof(UpdateScalars) + sizeof(StepNumbers) +
                              sizeof(ResidentColumn));
}

// The name and the type of the one function that libchainrule_cuda.so exports.
constexpr const char* cuda_library_symbol = "chainrule_cuda_library";
using CudaLibraryFunction = const CudaLibrary* (*)();

}  // namespace chainrule
