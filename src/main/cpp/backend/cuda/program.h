// A program made ready for a device, and one run of it as the functions see it that launch its steps.
#pragma once

#include <memory>
#include <vector>

#include "backend/cuda/library.h"
#include "backend/cuda/products.h"

namespace chainrule {
namespace cuda {

// α and β of one step, in device memory, so that a captured graph finds those of the step it is launched for.
struct Scalars {
  double alpha, beta;
  float alpha_float, beta_float;
};

// What changes from run to run without a new graph; in device memory, followed by a Scalars for each step of the program.
struct Arguments {
  UpdateScalars update;
  const int64_t* order = nullptr;  // of the examples, where columns are resident
  int32_t step = 0;                // of the burst: the one that is being run
  uint64_t seed = 0;               // see Context
  int32_t halted = 0;              // has a loss been found that is not finite? Then nothing trains any more
  StepNumbers trained;             // of the step whose loss has been looked at last
  StepNumbers numbers[cuda_max_burst];
  double losses[cuda_max_burst];
};

// Looks at the loss of a step. A step trains only if its loss and those before it are finite.
struct LossCheck {
  const void* loss;
  DType dtype;
  Arguments* arguments;

  // Keeps the loss, makes the numbers those of the update, and says whether the step trains.
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

// All that a launch needs besides its step.
struct Run {
  Queue* queue;
  char* base[space_count];
  char* const* inputs;  // device memory, by slot
  char* const* outputs;
  const Arguments* arguments;
  const Scalars* scalars;  // one a step
  char* scratch;
  char* workspace;     // of the BLAS
  const char* tables;  // of tiles' instructions; null: they are the kernel's parameter
};

struct Launch;
using Launcher = void (*)(const Launch& launch, const Run& run);

// One of the steps that run at once: the elements of an update, or of a sum of parts.
struct Segment {
  int64_t offsets[update_gradient +
                  1];  // of the step's operands: w s0? s1? s2? g?, or c and s of a sum; in bytes;
  int32_t spaces[update_gradient + 1];  // -1: none
  int64_t count;
  int64_t first_block;
  int64_t parts;       // of a sum
  int32_t step_index;  // whose α and β a sum takes
};

// What a launch reads or writes.
struct Touch {
  Operand operand;
  bool writes;
};

// One thing to be launched: a step, or several that a phase has.
struct Launch {
  Launcher launcher = nullptr;
  Step step;
  int32_t step_index = 0;
  int32_t phase = 0;
  bool after_check = false;  // does it run after the LossCheck of its step?
  std::vector<Touch> touches;

  // all steps of the phase, where they are one launch; their indices follow each other
  std::vector<Step> steps;
  Grid grid;

  // product
  Products* products = nullptr;
  std::shared_ptr<const Product> product;
  bool scalars_on_device = false, is_double = false;

  // conversion, and a product of bfloat16: where copies lie in scratch; a product's are those of A and B
  int64_t copies[2] = {-1, -1};
  int32_t last_phase = -1;  // conversion: of the products that read the copy

  int64_t table = -1;  // of a tile's instructions: where in the program's tables

  // steps that run at once
  char* segments = nullptr;  // device memory: an array of Segment
  int32_t segment_count = 0;
  int64_t blocks = 0;
};

// Bytes of scratch that the launches of a sum need for its parts; 0 for other steps.
int64_t scratch_bytes(const Step& step);

// The launcher of a step, by file; null when the file has none for its kind.
Launcher find_elementwise(const Step& step, DType dtype);
Launcher find_rowwise(const Step& step, DType dtype);
Launcher find_loss(const Step& step, DType dtype);
Launcher find_layout(const Step& step, DType dtype);
Launcher find_update(const Step& step, DType dtype);
Launcher product_launcher();
// Makes the copy of a factor; its step is the copy of operand 1.
Launcher conversion_launcher();

// Of phases with several steps: an activation's rule with the sums of its rows, and a tile's steps.
Launcher find_derivative_and_sum(Op op, DType dtype);
Launcher tile_launcher();
// The instructions of a tile's launch as a table that a kernel reads in device memory: addresses are those of the run.
int64_t table_bytes(const Launch& tiles);
void write_table(const Launch& tiles, const Run& run, char* to);

// Elements of a segment that one block works on.
constexpr int64_t update_block = 4096, sum_parts_block = 32;

// Picks a batch's samples from a resident column: `to` becomes [batch][features] of the type (int32 for labels).
void gather(const Run& run, const ResidentColumn& column, DType dtype, int64_t batch, char* to);

}  // namespace cuda
}  // namespace chainrule
