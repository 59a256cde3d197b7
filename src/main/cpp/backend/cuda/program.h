// A program prepared for a device, and what the launchers of its steps get in a run.
//
// A launch is one kernel launch or product. A lane is one of two branches of a captured graph whose work can overlap
// (lanes.h). A factor is an operand of a matrix product. A part is a range of a long sum that is summed on its own
// (StepKind::product in program/program.h). Scratch is memory of a stream for the parts of sums and for copies of
// factors.
#pragma once

#include <memory>
#include <vector>

#include "backend/cuda/library.h"
#include "backend/cuda/products.h"

namespace chainrule {
namespace cuda {

// α and β of one step. They are in device memory, so that a captured graph reads the current values in every run.
struct Scalars {
  double alpha, beta;
  float alpha_float, beta_float;
};

// The values that change from run to run while the graph stays the same. They are in device memory, followed by one
// Scalars per step of the program.
struct Arguments {
  UpdateScalars update;
  const int64_t* order = nullptr;  // the order of the examples, if columns are resident
  int32_t step = 0;                // the current step of the burst
  uint64_t seed = 0;               // see Context
  int32_t halted = 0;   // 1 once a loss was not finite: the remaining steps of the burst do not train.
  StepNumbers trained;  // the numbers of the step whose loss was checked last
  StepNumbers numbers[cuda_max_burst];
  double losses[cuda_max_burst];
};

// Checks the loss of a step. A step trains only if its loss and the losses of all steps before it in the burst are
// finite.
struct LossCheck {
  const void* loss;
  DType dtype;
  Arguments* arguments;

  // Stores the loss, copies the step's numbers for the update and advances to the next step. Returns true if the step
  // trains.
  HOST_DEVICE inline bool run() const {
    const double value = dtype == DType::float32 ? static_cast<double>(*static_cast<const float*>(loss))
                                                 : *static_cast<const double*>(loss);
    Arguments& now = *arguments;
    now.losses[now.step] = value;
    if (!(value - value == 0)) now.halted = 1;
    now.trained = now.numbers[now.step];
    now.trained.put_into(now.update);
    ++now.step;
    return now.halted == 0;
  }
};

// What a launcher needs in addition to its Launch.
struct Run {
  Queue* queue;
  char* base[space_count];
  char* const* inputs;  // device memory, by slot
  char* const* outputs;
  const Arguments* arguments;
  const Scalars* scalars;  // one per step
  char* scratch;
  char* workspace;     // for the BLAS
  const char* tables;  // instructions of tile kernels; null: a parameter of the kernel contains them
};

struct Launch;
using Launcher = void (*)(const Launch& launch, const Run& run);

// One of the steps that run in one launch: an update or a sum of parts.
struct Segment {
  // The step's operands: w s0? s1? s2? g? of an update, c s of a sum. Offsets are in bytes; -1: there is no such
  // operand.
  int64_t offsets[update_gradient + 1];
  int32_t spaces[update_gradient + 1];
  int64_t count;        // elements
  int64_t first_block;  // the segment's first block of threads
  int64_t parts;        // sum: the number of parts
  int32_t step_index;   // sum: the step whose α and β it uses
};

// What a launch reads or writes.
struct Touch {
  Operand operand;
  bool writes;
};

// One kernel launch or product: a step, or all steps of a phase. (A row_sum of several parts launches two kernels.)
struct Launch {
  Launcher launcher = nullptr;
  Step step;
  int32_t step_index = 0;
  int32_t phase = 0;
  bool after_check = false;  // The launch follows the LossCheck of its training step.
  std::vector<Touch> touches;

  // All steps of the phase if they are one launch, otherwise empty. Their indices are consecutive.
  std::vector<Step> steps;
  Grid grid;

  // product
  Products* products = nullptr;
  std::shared_ptr<const Product> product;
  bool scalars_on_device = false, is_double = false;

  // conversion and bfloat16 product: the offsets of copies in scratch; a product has those of A and B
  int64_t copies[2] = {-1, -1};
  int32_t last_phase = -1;  // conversion: the last phase with a product that reads the copy

  int64_t table = -1;  // tile kernel: the offset of its instructions in the program's tables

  // updates and sums of parts that run in one launch
  char* segments = nullptr;  // device memory: an array of Segment
  int32_t segment_count = 0;
  int64_t blocks = 0;
};

// Returns the bytes of scratch that a sum along rows needs for its parts; 0 for other steps.
int64_t scratch_bytes(const Step& step);

// Each of these returns the launcher of a step, or null if the file has none for the step's kind.
Launcher find_elementwise(const Step& step, DType dtype);
Launcher find_sum(const Step& step, DType dtype);
Launcher find_rowwise(const Step& step, DType dtype);
Launcher find_loss(const Step& step, DType dtype);
Launcher find_layout(const Step& step, DType dtype);
Launcher find_update(const Step& step, DType dtype);
Launcher product_launcher();
// Converts a factor to bfloat16. The factor is operand 1 of the launch's step.
Launcher conversion_launcher();

// The launchers of phases with several steps: the backward rule of an activation with the sums of its rows, and the
// tile kernel.
Launcher find_derivative_and_sum(Op op, DType dtype);
Launcher tile_launcher();
// The size and the contents of a tile launch's instruction table, which the kernel reads from device memory. The
// instructions contain the addresses of the run.
int64_t table_bytes(const Launch& tiles);
void write_table(const Launch& tiles, const Run& run, char* to);

// Elements of a segment per block of threads.
constexpr int64_t update_block = 4096, sum_parts_block = 32;

// Copies a batch's samples from a resident column to `to`: [batch][features] of `dtype`, or of int32 for labels.
void gather(const Run& run, const ResidentColumn& column, DType dtype, int64_t batch, char* to);

}  // namespace cuda
}  // namespace chainrule
