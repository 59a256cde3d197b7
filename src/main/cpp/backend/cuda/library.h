// The interface between the core and libchainrule_cuda.so, the second native library. The core loads that library only
// when a CUDA device is opened. Each library contains its own C++ runtime. Therefore no exception, no C++ object that
// owns memory and no virtual function may cross the interface: it consists of this table of functions and of plain
// structs. A function that fails returns an error message, which stays valid until the thread's next call through the
// table. Null means success.
#pragma once

#include <cstdint>

#include "backend/backend.h"

namespace chainrule {

// The precision of a float model's matrix products. Parameters, optimizer states and all other values stay float. A
// double model computes its products in double with every precision.
enum class CudaPrecision : int32_t {
  float32 = 0,   // as on the CPU
  tf32 = 1,      // factors rounded to 10 bits of fraction inside the tensor cores, sums in float
  bfloat16 = 2,  // factors converted to bfloat16, sums in float
};

struct CudaVersions {
  int32_t driver = 0;   // the newest CUDA version that the driver supports, 13000 for 13.0; 0: no driver
  int32_t runtime = 0;  // the CUDA version that the library was built with
  int64_t cublas = 0;   // cublasLtGetVersion() of the loaded cuBLASLt
  int32_t devices = 0;
};

struct CudaDevice {
  char name[256] = {};
  int32_t capability_major = 0, capability_minor = 0;
  int64_t total_bytes = 0;
};

// A program as plain memory. It is valid only during the call.
struct CudaProgramView {
  DType dtype;
  const Step* steps;
  int32_t step_count;
  const Phase* phases;
  int32_t phase_count;
  int32_t backward_begin;
  Operand loss;
};

// The choices of a tuned engine. The texts stay valid until the thread's next call.
struct CudaTuned {
  const char* lines;       // for the tuning file
  const char* for_people;  // for output
  int64_t timed;           // products that this engine has timed so far
};

struct CudaEngine;   // a device opened with a precision
struct CudaStream;   // one caller's queue, buffers for inputs and outputs, and captured graphs
struct CudaProgram;  // a prepared program

struct CudaLibrary {
  int32_t version;       // cuda_library_version of the build
  int32_t struct_bytes;  // cuda_struct_bytes() of the build

  const char* (*versions)(CudaVersions* versions);  // succeeds even without a driver
  const char* (*describe)(int32_t device, CudaDevice* about);

  // Reads CHAINRULE_CUDA_GRAPHS, CHAINRULE_CUDA_LARGE_PARAMETERS (engine.h) and CHAINRULE_CUDA_POOL (memory.h).
  const char* (*open)(int32_t device, CudaPrecision precision, CudaEngine** engine);
  void (*close)(CudaEngine* engine);  // The caller must destroy the engine's streams and programs first.

  // Device memory and pinned host memory, both zeroed.
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

  // Runs phases, as Backend::run does, on the caller's stream.
  const char* (*run)(CudaEngine* engine, CudaStream* stream, CudaProgram* program, const Context* context,
                     int32_t first, int32_t last);

  // Run a burst of steps, as Backend::run_steps does. The caller calls begin_steps, then launch_step for each step in
  // order, then end_steps. launch_step does not wait for the device. end_steps waits and writes the losses of the
  // launched steps. If no data are resident and each step has its own data (StepInputs), the caller calls await_inputs
  // before each launch_step. await_inputs returns when the device has read the host memory from which step - 2 got its
  // data.
  const char* (*begin_steps)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                             const Context* context, const StepNumbers* numbers, int32_t count);
  const char* (*await_inputs)(CudaEngine* engine, CudaStream* stream, int32_t step);
  const char* (*launch_step)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                             const Context* context, int32_t step);
  const char* (*end_steps)(CudaEngine* engine, CudaStream* stream, CudaProgram* program,
                           const Context* context, int32_t launched, double* losses);

  // Turns tuning on. For programs prepared from now on, the engine reads the algorithm of a product from `known` or
  // chooses the algorithm by timing. `known` has lines in the format of tuned_products. If a line cannot be parsed, the
  // error message begins with the line's number; the first line has number first_line. A line is ignored if the BLAS
  // does not propose the line's algorithm for the line's product; that product is timed.
  const char* (*tune)(CudaEngine* engine, const char* known, int32_t first_line);
  // Returns all choices of a tuned engine.
  const char* (*tuned_products)(CudaEngine* engine, CudaTuned* tuned);
  // Returns the text that a printed plan appends to the name of what computes a step's product: an empty text, the
  // measured times, or a note that the tile kernel reads its instructions from memory.
  const char* (*product_note)(CudaEngine* engine, CudaProgram* program, int32_t step, const char** note);
};

// Maximum burst length, in steps.
constexpr int32_t cuda_max_burst = 64;

constexpr int32_t cuda_library_version = 4;

// The core compares this number with its own to detect a library that was built from other headers.
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
