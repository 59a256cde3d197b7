// What an engine must do: memory, and runs of programs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "program/program.h"
#include "util/check.h"

namespace chainrule {

// A column of examples in the engine's memory, [example][features], from which it picks the samples of a batch itself.
enum class ColumnType : int32_t { float32 = 0, float64 = 1, label = 2 };
struct ResidentColumn {
  const char* values = nullptr;  // null: the slot's data come by its address
  ColumnType type = ColumnType::float32;
  int64_t features = 0;
};

// A step that may become the last of a phase, as far as dependencies and tiles go. Operands have no place yet.
struct Joining {
  const Step& step;
  const Phase& phase;
  const std::vector<const Step*>& steps;  // of the phase, in order
  bool continues = false;  // its second operand is, element by element, what the first step writes
};

// What an engine keeps for one caller from one run to the next: on a device a queue of work and memory for copies.
class Stream {
 public:
  virtual ~Stream() = default;
};

// One caller's memory and numbers for one run.
struct Context {
  char* base[space_count] = {};   // in the engine's memory
  void* const* inputs = nullptr;  // addresses by slot, in the processor's memory, as those of the outputs
  void* const* outputs = nullptr;
  // Instead of addresses, where data are resident: columns by slot, and the examples in the order in which they are
  // taken. Null: none.
  const ResidentColumn* columns = nullptr;
  const int64_t* order = nullptr;  // in the engine's memory
  int64_t position = 0;            // of the batch's first sample in the order
  UpdateScalars update;
  // For random rules (ops/random_words.h): the model's seed, the steps before this one, and the samples of this step
  // that come before the batch.
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_sample = 0;
  double* phase_seconds = nullptr;  // one a phase of the program, added to; null: nothing is timed
  Stream* stream = nullptr;         // the caller's, of Backend::make_stream
};

// What differs between the training steps of a burst: steps that are begun before their losses are asked for.
struct StepNumbers {
  double of_step[max_step_scalars] = {};  // see UpdateScalars
  int64_t position = 0;                   // this and what follows: see Context
  int64_t step = 0;
  int64_t first_sample = 0;

  static StepNumbers of(const UpdateScalars& update, int64_t position, int64_t step, int64_t first_sample) {
    StepNumbers numbers;
    for (int32_t i = 0; i < max_step_scalars; ++i) numbers.of_step[i] = update.of_step[i];
    numbers.position = position;
    numbers.step = step;
    numbers.first_sample = first_sample;
    return numbers;
  }
  HOST_DEVICE inline void put_into(UpdateScalars& update) const {
    for (int32_t i = 0; i < max_step_scalars; ++i) update.of_step[i] = of_step[i];
  }
};

// Brings the data of the training steps of a burst.
class StepInputs {
 public:
  virtual ~StepInputs() = default;

  // The addresses of a step's data, by slot; not asked for where data are resident. What was returned for the step
  // before still stands; what was returned before that has been read, and its memory may be used again.
  virtual void* const* addresses(int32_t step) = 0;

  // All steps have been begun, and the engine may still be computing: time to prepare others.
  virtual void while_computing() {}
};

// Where blocks of memory come from.
class Memory {
 public:
  virtual ~Memory() = default;

  // Zeroed memory, aligned to 64 bytes and counted. Throws Error when there is none.
  virtual char* allocate(int64_t bytes) = 0;
  virtual void release(char* memory, int64_t bytes) = 0;
};

// Memory of an engine, in bytes.
struct MemoryBytes {
  int64_t held = 0;             // by the library, in the engine's own memory
  int64_t peak = 0;             // the most that it has held at a time
  int64_t host = 0;             // held in the processor's memory besides, for copies
  int64_t allocations = 0;      // blocks asked for so far, of both
  int64_t free = 0, total = 0;  // of the device, as its system tells
};

// An engine. Its own memory is a device's unless on_host(): then only the engine reads and writes there, and others
// copy. Copies have finished when the call returns.
class Backend : public Memory {
 public:
  virtual bool on_host() const { return true; }
  // Memory of the processor's that the engine copies from and to fast.
  virtual Memory& host_memory() { return *this; }
  virtual void copy_in(char* to, const void* from, int64_t bytes);
  virtual void copy_out(void* to, const char* from, int64_t bytes);
  virtual void copy(char* to, const char* from, int64_t bytes);
  virtual void zero(char* to, int64_t bytes);

  // One for each caller that runs programs; null where the engine needs none. Outlived by the engine.
  virtual std::unique_ptr<Stream> make_stream() { return nullptr; }

  virtual MemoryBytes memory_bytes() = 0;

  // So many bytes of a dataset may lie in the engine's memory, for run() to take a batch's samples from there
  // (Context::columns). 0: the engine does not do that.
  virtual int64_t resident_bytes() { return 0; }

  // Does the engine run the step in this phase? Where it launches each phase, what it says makes the launches.
  virtual bool joins(const Joining&, DType) const { return true; }
  // Does it run steps of this kind beside each other (Phase::concurrent)?
  virtual bool runs_concurrently(StepKind) const { return false; }
  // Do all updates come last, so that they can be run at once?
  virtual bool updates_last() const { return false; }

  // Elements from one row of a batched value to the next.
  virtual int64_t leading_dimension(DType dtype, int64_t columns) const = 0;

  // How the engine cuts a step's domain when the step leads a phase.
  virtual Grid grid(const Step& step, DType dtype) const = 0;

  // How much of k is summed at a time: all of it, or less where C is too small to be divided among threads. A function
  // of the shape of C, of k, and of whether k counts samples.
  virtual int64_t part_depth(DType dtype, int64_t rows, int64_t columns, int64_t k,
                             bool over_samples) const = 0;

  // Is the input of a layer with such a weight transposed in like other values, so that tiles of samples can go through
  // it? Else its products read the user's layout.
  virtual bool transposes_input(DType, int64_t /*weight_rows*/, int64_t /*weight_columns*/) const {
    return false;
  }

  // May a product run on the columns of another step's tiles, and still give the same bits?
  virtual bool joins_columns(const Step& product, DType dtype, const Grid& grid) const = 0;

  // Do values that only one tile of the phase sees lie in memory of its own (Space::scratch)?
  virtual bool has_scratch(const Phase& phase, const std::vector<const Step*>& steps, DType dtype) const = 0;
  // Bytes of that memory, and elements in it from one row of a value to the next.
  virtual int64_t scratch_bytes() const = 0;
  virtual int64_t scratch_stride(DType dtype, int64_t tile_columns) const = 0;

  // Who computes the product that a step of a prepared program is, for people.
  virtual std::string product_by(const Program& program, int32_t step) const = 0;

  // What has been chosen by timing, a line each, for people; an engine that was not told to do so has nothing to say.
  virtual std::string tuned_products() const { return ""; }

  // Chooses the kernels; once a program, before the first run. Throws InvalidArgument for sizes beyond the BLAS.
  virtual void prepare(Program& program) const = 0;

  // Runs phases [first, last). Any number of callers at once, each with its own context and stream. When it returns,
  // all has been computed and the outputs are in place.
  virtual void run(const Program& program, const Context& context, int32_t first, int32_t last) = 0;

  // Runs the forward phases and returns the loss; the backward phases run only if it is finite.
  virtual double run_to_loss(const Program& program, const Context& context);

  // Maximum burst length, in steps. More than 1 where the engine computes beside the processor: single steps would make it
  // wait for the processor between them.
  virtual int32_t max_burst() const { return 1; }

  // Runs a burst: `count` training steps of one program, each as by run_to_loss. Their data are resident, or brought by
  // `inputs`, or if that is null those of the context. The first loss that is not finite ends the burst: its step and
  // those after it change no parameter. `made` says how many did, also when this throws; `losses` gets theirs, and the
  // one that was not finite.
  virtual void run_steps(const Program& program, const Context& context, const StepNumbers* numbers,
                         int32_t count, StepInputs* inputs, double* losses, int32_t* made);
};

// The engine on this machine's processor.
Backend& cpu_backend();

}  // namespace chainrule
