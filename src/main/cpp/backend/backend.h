// The interface of an engine: it provides memory and runs programs (program/program.h). A slot is the number of a data
// node, or of an output, of the model: the caller passes one address per slot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "program/program.h"
#include "util/check.h"

namespace chainrule {

// A column of a data set in the engine's memory, [example][feature]. The engine gathers the samples of a batch from it.
enum class ColumnType : int32_t { float32 = 0, float64 = 1, label = 2 };
struct ResidentColumn {
  const char* values = nullptr;  // null: the slot has no column
  ColumnType type = ColumnType::float32;
  int64_t features = 0;
};

// A step that the scheduler wants to append to a phase. Dependencies and tiles allow it; the engine decides
// (Backend::joins). The operands have no addresses yet.
struct Joining {
  const Step& step;
  const Phase& phase;
  const std::vector<const Step*>& steps;  // the phase's steps so far, in order
  bool continues = false;  // the step's operand 1 is, element by element, what the phase's first step writes
};

// What an engine keeps for one caller between runs: for a device engine, a queue of work and memory for copies.
class Stream {
 public:
  virtual ~Stream() = default;
};

// The memory and the numbers of one caller for one run.
struct Context {
  char* base[space_count] = {};    // the address of each space, in the engine's memory
  void* const* inputs = nullptr;   // addresses by slot, in host memory
  void* const* outputs = nullptr;  // addresses by slot, in host memory
  // Resident data are used instead of `inputs`: a column per slot, and the numbers of the examples in the epoch's
  // order. Null: no data are resident.
  const ResidentColumn* columns = nullptr;
  const int64_t* order = nullptr;  // in the engine's memory
  int64_t position = 0;            // the position of the batch's first sample in the order
  UpdateScalars update;
  // For random rules (ops/random_words.h): the model's seed, the number of steps before this one, and the number of
  // samples of this step that precede the batch.
  uint64_t seed = 0;
  int64_t step = 0;
  int64_t first_sample = 0;
  double* phase_seconds = nullptr;  // one number per phase; a run adds its times. Null: nothing is timed.
  Stream* stream = nullptr;         // the caller's stream, from Backend::make_stream
};

// The numbers that differ between the training steps of a burst. All steps of a burst are begun before the loss of the
// first step is read.
struct StepNumbers {
  double of_step[max_step_scalars] = {};  // see UpdateScalars
  int64_t position = 0;                   // this field and the next two: see Context
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

// Provides the data of the training steps of a burst.
class StepInputs {
 public:
  virtual ~StepInputs() = default;

  // Returns the addresses of a step's data, by slot. The engine calls it once per step, in order, and only if no data
  // are resident. The data of the previous step must stay valid. Data of earlier steps have been read: their memory may
  // be overwritten.
  virtual void* const* addresses(int32_t step) = 0;

  // Called when all steps have been begun and the engine may still be computing. Work for later steps can be done here.
  virtual void while_computing() {}
};

// An allocator of memory blocks.
class Memory {
 public:
  virtual ~Memory() = default;

  // Returns zeroed memory, aligned to 64 bytes, and counts it. Throws Error if there is not enough memory.
  virtual char* allocate(int64_t bytes) = 0;
  virtual void release(char* memory, int64_t bytes) = 0;
};

// An engine's use of memory, in bytes.
struct MemoryBytes {
  int64_t held = 0;             // held by the library in the engine's memory
  int64_t peak = 0;             // the largest value of `held` so far
  int64_t host = 0;             // held in host memory by a device engine, for copies
  int64_t allocations = 0;      // number of blocks allocated so far, in both kinds of memory
  int64_t free = 0, total = 0;  // of the device, as the system reports them
};

// An engine. If on_host() returns false, the engine's memory is device memory: only the engine reads and writes it, and
// other code uses the copy functions. A copy has finished when the call returns.
class Backend : public Memory {
 public:
  virtual bool on_host() const { return true; }
  // Returns an allocator of host memory that the engine copies to and from fast.
  virtual Memory& host_memory() { return *this; }
  virtual void copy_in(char* to, const void* from, int64_t bytes);
  virtual void copy_out(void* to, const char* from, int64_t bytes);
  virtual void copy(char* to, const char* from, int64_t bytes);
  virtual void zero(char* to, int64_t bytes);

  // Returns a new stream, or null if the engine needs none. Each caller that runs programs has its own stream. The
  // engine must outlive the stream.
  virtual std::unique_ptr<Stream> make_stream() { return nullptr; }

  virtual MemoryBytes memory_bytes() = 0;

  // Returns the largest size, in bytes, of a data set that may be copied to the engine's memory. run() gathers the
  // samples of a batch from there (Context::columns). 0: the engine does not support that.
  virtual int64_t resident_bytes() { return 0; }

  // Returns true if the engine can run the step in this phase. An engine that launches each phase as one kernel decides
  // its launches here.
  virtual bool joins(const Joining&, DType) const { return true; }
  // Returns true if the engine runs the steps of a phase led by this kind of step concurrently (Phase::concurrent).
  virtual bool runs_concurrently(StepKind) const { return false; }
  // Returns true if the plan must place all updates at its end, so that the engine can run them together.
  virtual bool updates_last() const { return false; }

  // Returns the number of elements between the beginnings of two rows of a batched value.
  virtual int64_t leading_dimension(DType dtype, int64_t columns) const = 0;

  // Returns how the engine cuts a step's domain into tiles if the step is the first of its phase.
  virtual Grid grid(const Step& step, DType dtype) const = 0;

  // Returns the length of the parts into which the sum over k is split: k, or less if C is too small to be divided
  // among threads. Each part has its own sums, which a later step adds (StepKind::product, StepKind::sum_parts). The
  // result depends only on the type, the shape of C, k, and whether the sum is over samples.
  virtual int64_t part_depth(DType dtype, int64_t rows, int64_t columns, int64_t k,
                             bool over_samples) const = 0;

  // Returns true if the input of a layer with a weight of this shape must be transposed to [feature][batch], so that
  // the layer can run on tiles of samples. Otherwise the layer's products read the user's [batch][feature].
  virtual bool transposes_input(DType, int64_t /*weight_rows*/, int64_t /*weight_columns*/) const {
    return false;
  }

  // Returns true if a product may run on the columns of another step's tiles without a change of its bits.
  virtual bool joins_columns(const Step& product, DType dtype, const Grid& grid) const = 0;

  // Returns true if values that only one tile of the phase uses are stored in scratch memory (Space::scratch).
  virtual bool has_scratch(const Phase& phase, const std::vector<const Step*>& steps, DType dtype) const = 0;
  // Size of the scratch memory in bytes, and the row stride of its values in elements.
  virtual int64_t scratch_bytes() const = 0;
  virtual int64_t scratch_stride(DType dtype, int64_t tile_columns) const = 0;

  // Returns a text for the printed plan that says what computes this product of a prepared program.
  virtual std::string product_by(const Program& program, int32_t step) const = 0;

  // Returns what the engine chose by timing, as text with a line per product. Empty if the engine does not tune.
  virtual std::string tuned_products() const { return ""; }

  // Chooses the kernels. Called once per program, before the first run. Throws InvalidArgument if a product is larger
  // than the BLAS supports.
  virtual void prepare(Program& program) const = 0;

  // Runs phases [first, last). Thread-safe: each caller has its own context and stream. When the call returns,
  // everything has been computed and the outputs have been written.
  virtual void run(const Program& program, const Context& context, int32_t first, int32_t last) = 0;

  // Runs the forward phases and returns the loss. Runs the backward phases only if the loss is finite.
  virtual double run_to_loss(const Program& program, const Context& context);

  // Returns the maximum length of a burst, in steps. It is above 1 for an engine that computes while the processor does
  // other work: with single steps the engine would wait for the processor after each.
  virtual int32_t max_burst() const { return 1; }

  // Runs a burst: `count` training steps of one program, each as run_to_loss does. The steps read resident data if
  // there are any, otherwise the data that `inputs` provides, or if `inputs` is null, the data of the context. The
  // first non-finite loss ends the burst: this step and the steps after it change no parameter. `completed` gets the
  // number of steps that changed the parameters, also when the call throws. `losses` gets the losses of these steps and
  // the non-finite one.
  virtual void run_steps(const Program& program, const Context& context, const StepNumbers* numbers,
                         int32_t count, StepInputs* inputs, double* losses, int32_t* completed);
};

// Returns the engine that runs on this machine's processor.
Backend& cpu_backend();

}  // namespace chainrule
