// What an engine must do, and the words in which a plan speaks to it: steps on operands, gathered into phases.
// Engines include rule headers and this file, never graph or api.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "graph/shape.h"
#include "ops/op.h"
#include "util/host_device.h"

namespace chainrule {

// The blocks of memory that operands live in. A caller brings one address for each (Context).
enum class Space : int32_t {
  arena,       // values between phases, placed by lifetime; one arena a caller
  parameters,  // all parameters of a model, dense, each at a multiple of 64 bytes
  constants,   // laid out like the parameters
  gradients,   // gradients somebody asked for; a parameter's at the offset of the parameter
  state0,      // optimizer state, at the offset of the parameter: velocity, first moment
  state1,      // second moment
  input,       // the user's data, [batch][feature]; `slot` says which
  output,      // what leaves the core, [batch][feature]; `slot` says which
  scratch,     // values that only one tile of one phase sees, in memory of the thread that computes it
};
constexpr int32_t space_count = 9;

// A matrix in one of the spaces. Element (r, c) is at offset + (r * row_stride + c * column_stride) elements;
// column_stride is 0 (one value a row) or 1.
struct Operand {
  Space space = Space::arena;
  int32_t slot = -1;    // input, output: which
  int64_t offset = -1;  // bytes; -1: there is no operand
  int64_t row_stride = 0;
  int64_t column_stride = 1;
  int64_t bytes = 0;  // from the offset to the end of the value; of users' data and scratch it is not known

  bool present() const { return offset >= 0; }
};

// May two operands share memory? Users' data are one block a slot.
inline bool overlap(const Operand& a, const Operand& b) {
  if (a.space != b.space || a.slot != b.slot) return false;
  if (a.space == Space::input || a.space == Space::output) return true;
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

// A number known only when the step runs.
struct Coefficient {
  double constant = 1;
  double per_learning_rate = 0;

  CHAINRULE_INLINE double at(double learning_rate) const {
    return constant + per_learning_rate * learning_rate;
  }
};

// What to compute on a domain of rows x columns. (r, c) goes over the domain; A, B, ... are the operands in the order
// given. `=` is `+=` for the steps marked (acc) when `accumulate` is set.
enum class StepKind : int32_t {
  product,    // C = α op(A) op(B) + β C: C A B; k, transposed_a, transposed_b. With `parts` above 1, C is a
              // block of rows / parts rows for each part_depth of k, all below each other
  sum_parts,  // c = α Σ_p s_p + β c, s_p the blocks of such a product or row_sum: c s; `parts`
  unary_forward,    // a = rule(z + bias): a z bias?
  unary_backward,   // d_z = rule(δ, saved): d_z δ saved?                                           (acc)
  binary_forward,   // c = rule(a, b): c a b
  binary_backward,  // d_a or d_b (side 0, 1) = rule(δ, other): d δ other?                          (acc)
  row_sum,  // s_r = α Σ_c x_rc + β s_r: s x. With `parts` above 1, `rows` sums for each part_depth of columns
  reduction_forward,   // s_c = rule over r of x: s x
  reduction_backward,  // d_x = rule(δ_c, x): d_x δ x                                                  (acc)
  log_sum_exp_forward,  // s_c: s z
  log_sum_exp_backward,  // d_z = rule(δ_c, z, s_c): d_z δ z s                                           (acc)
  softmax_forward,       // a: a z
  softmax_backward,     // d_z: d_z δ a                                                                 (acc)
  copy,                 // d = s: d s                                                                   (acc)
  polynomial_forward,   // φ: φ x; the domain is that of x
  polynomial_backward,  // d_x: d_x δ x                                                                 (acc)
  loss,            // a sum for each loss_block, and derivatives: partials? f y d_f? d_y? δ?        (acc)
  loss_value,      // s = constant * Σ partials: s partials; `count` of them
  transpose_in,    // [batch][feature] to [feature][batch]: x user
  transpose_out,   // the other way, adding +0: user x
  fill,            // d = constant: d                                                              (acc)
  custom_forward,  // a = the user's f(z), all of it by one call on the thread that runs the program: a z
  custom_backward,  // d_z = the user's backward(δ, z, a), likewise: d_z δ z a                            (acc)
  sgd,              // w v? g; mode 0: v is already the new velocity, no g
  adam,             // w m v g
};
constexpr int32_t max_operands = 6;

struct Step;
struct Context;
struct Rect;
using Kernel = void (*)(const Step& step, const Context& context, const Rect& rect);

struct Step {
  StepKind kind = StepKind::fill;
  Op op = Op::identity;  // whose rule
  Operand operands[max_operands];
  bool writes[max_operands] = {};  // which of them
  int64_t rows = 1;                // the domain
  int64_t columns = 1;
  double constant = 0;   // the c of the rule; loss: the factor on values and derivatives
  double constant2 = 0;  // loss: the factor on the derivatives (δ folded in)
  bool accumulate = false;
  bool accumulate2 = false;        // loss: of d_y
  int32_t side = 0;                // binary_backward
  int32_t custom = -1;             // custom: the number of the operation
  bool labels = false;             // loss: y holds class indices (int32), not values
  int64_t count = 0;               // reduction: features; loss_value: partial sums
  int64_t k = 0;                   // product
  bool over_samples = false;       // product, row_sum: what is summed are samples
  int64_t parts = 1;               // product, row_sum, sum_parts: a long sum is made of so many,
  int64_t part_depth = INT64_MAX;  // each over so much of k or so many columns, the last over what is left
  bool transposed_a = false;
  bool transposed_b = false;
  Coefficient alpha;  // product, row_sum
  Coefficient beta{0, 0};

  // Filled in by the engine's prepare.
  Kernel kernel = nullptr;
};

inline bool is_custom(const Step& step) {
  return step.kind == StepKind::custom_forward || step.kind == StepKind::custom_backward;
}

// Does a tile of the step need all rows of its columns (the features of its samples)?
inline bool needs_whole_columns(const Step& step) {
  switch (step.kind) {
    case StepKind::reduction_forward:
    case StepKind::log_sum_exp_forward:
    case StepKind::softmax_forward:
    case StepKind::softmax_backward:
    case StepKind::polynomial_forward:
    case StepKind::polynomial_backward: return true;
    case StepKind::loss:  // its partial sums are those of columns
      return true;
    default: return false;
  }
}

// A loss adds its values up by blocks of so many columns, which column cuts respect; so the sum does not depend on how
// the step is cut.
constexpr int64_t loss_block = 32;

// How a domain is cut into tiles: a function of shapes alone, so that bits do not depend on the number of threads.
struct Grid {
  int64_t tile_rows = 1;
  int64_t tile_columns = 1;
  int64_t row_tiles = 1;
  int64_t column_tiles = 1;

  int64_t tiles() const { return row_tiles * column_tiles; }
  bool only_columns() const { return row_tiles == 1 && column_tiles > 1; }
};

// The part of a domain that one tile covers, ends excluded.
struct Rect {
  int64_t row_begin, row_end, column_begin, column_end;
};

// Steps that run on each tile one after another, all tiles in parallel. Between phases all tiles have finished.
struct Phase {
  int32_t first_step = 0;
  int32_t steps = 0;
  int64_t rows = 1;  // the domain that the grid cuts
  int64_t columns = 1;
  Grid grid;
  bool uses_scratch = false;  // then its tiles are computed one at a time
  bool at_once = false;       // its steps run beside each other: none uses what another writes

  // Filled in by the engine's prepare.
  bool joinable = false;  // neighbouring tiles may be computed as one: no bit changes
  int32_t part_steps =
      0;  // so many steps after the leading product may run on each part of a tile once it is final
};

struct Program {
  DType dtype = DType::float32;
  int64_t batch = 0;
  std::vector<Step> steps;
  std::vector<Phase> phases;
  int32_t backward_begin = 0;  // the first phase of the backward pass: nothing before it writes a parameter
  int64_t arena_bytes = 0;
  Operand loss;  // the scalar that is checked between the passes; absent when only predicting

  // Filled in by the engine's prepare: what it keeps for this program beside the steps.
  std::shared_ptr<void> prepared;
};

// Hyper-parameters of the update, as this step needs them.
struct UpdateScalars {
  double learning_rate = 0;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW
  double beta1 = 0, beta2 = 0, epsilon = 0;
  double correction1 = 1, correction2 = 1;
};

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
  double* phase_seconds = nullptr;  // one a phase of the program, added to; null: nothing is timed
  Stream* stream = nullptr;         // the caller's, of Backend::make_stream
};

// What differs between training steps that follow each other.
struct StepNumbers {
  double correction1 = 1, correction2 = 1;  // see UpdateScalars
  int64_t position = 0;                     // see Context
};

// Brings the data of training steps that follow each other.
class StepInputs {
 public:
  virtual ~StepInputs() = default;

  // The addresses of a step's data, by slot; not asked for where data are resident. What was returned for the step
  // before still stands; what was returned before that has been read, and its memory may be used again.
  virtual void* const* bring(int32_t step) = 0;

  // All steps have been begun, and the engine may still be computing: time to prepare others.
  virtual void meanwhile() {}
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
  // Does it run steps of this kind beside each other (Phase::at_once)?
  virtual bool runs_at_once(StepKind) const { return false; }
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

  // So many training steps run_steps may be asked for at once. More than one where the engine works beside the
  // processor, and would else wait for it between steps.
  virtual int32_t most_steps() const { return 1; }

  // Training steps of one program, each as by run_to_loss. Their data are resident, or brought by `inputs`, or if that
  // is null those of the context. The first loss that is not finite ends it: its step and those after it change no
  // parameter. `made` says how many did, also when this throws; `losses` gets theirs, and the one that was not finite.
  virtual void run_steps(const Program& program, const Context& context, const StepNumbers* numbers,
                         int32_t count, StepInputs* inputs, double* losses, int32_t* made);
};

// The engine on this machine's processor.
Backend& cpu_backend();

}  // namespace chainrule
