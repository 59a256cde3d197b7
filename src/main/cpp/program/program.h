// What a plan gives an engine to run: steps on operands, gathered into phases.
// Engines include rule headers, this file and backend/backend.h, never graph or api.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/op.h"
#include "optim/optimizer.h"
#include "util/dtype.h"
#include "util/host_device.h"

namespace chainrule {

// The blocks of memory that operands live in. A caller brings one address for each (Context).
enum class Space : int32_t {
  arena,       // values between phases, placed by lifetime; one arena a caller
  parameters,  // all parameters of a model, dense, each at a multiple of 64 bytes
  constants,   // laid out like the parameters
  gradients,   // gradients somebody asked for; a parameter's at the offset of the parameter
  state0,      // the optimizer's states, each at the offset of the parameter; the rules say what they are
  state1,
  state2,
  input,    // the user's data, [batch][feature]; `slot` says which
  output,   // what leaves the core, [batch][feature]; `slot` says which
  scratch,  // values that only one tile of one phase sees, in memory of the thread that computes it
};
constexpr int32_t space_count = 10;

constexpr Space state_space(int32_t state) {
  return static_cast<Space>(static_cast<int32_t>(Space::state0) + state);
}
static_assert(state_space(max_states) == Space::input, "each state of an optimizer has a space");

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
  rowwise_forward,   // a = rule(x): a x saved? parameters...; `saved` is what backward reads besides x or a
  rowwise_backward,  // d_x = rule(δ, x or a, saved): d_x δ x|a saved? parameters...                    (acc)
  rowwise_parameter_backward,  // what a parameter's gradient is the sum of over the samples: d δ x saved (acc)
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
  update,  // w and the optimizer's states by its rule: w s0? s1? s2? g?; without g a product has written
           // a state, and what is left of the rule is done
};
constexpr int32_t max_operands = 6;
constexpr int32_t update_gradient = 1 + max_states;  // update: which operand g is; state k is number 1 + k
static_assert(update_gradient < max_operands, "an update has too many operands");

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
  bool accumulate2 = false;  // loss: of d_y
  int32_t side = 0;          // binary_backward
  int32_t node = -1;         // unary: whose random words a random rule gets,
  bool by_sample = false;    // by feature and sample; else a batchless value's elements are its columns
  int32_t custom = -1;       // custom: the number of the operation
  bool labels = false;       // loss: y holds class indices (int32), not values
  OptimizerKind optimizer = OptimizerKind::sgd;  // update: whose rule
  int64_t count = 0;                             // reduction: features; loss_value: partial sums
  int64_t k = 0;                                 // product
  bool over_samples = false;                     // product, row_sum: what is summed are samples
  int64_t parts = 1;               // product, row_sum, sum_parts: a long sum is cut into so many parts,
  int64_t part_depth = INT64_MAX;  // each of this length along k or the columns; the last one may be shorter
  bool transposed_a = false;
  bool transposed_b = false;
  Coefficient alpha;  // product, row_sum
  Coefficient beta{0, 0};
};

// update: bit k says that the step has state k.
CHAINRULE_INLINE uint32_t kept_states(const Step& step) {
  uint32_t kept = 0;
  for (int32_t state = 0; state < max_states; ++state) {
    if (step.operands[1 + state].present()) kept |= uint32_t{1} << state;
  }
  return kept;
}

inline bool is_custom(const Step& step) {
  return step.kind == StepKind::custom_forward || step.kind == StepKind::custom_backward;
}

// Does a tile of the step need all rows of its columns (the features of its samples)?
inline bool needs_whole_columns(const Step& step) {
  switch (step.kind) {
    case StepKind::reduction_forward:
    case StepKind::log_sum_exp_forward:
    case StepKind::rowwise_forward:
    case StepKind::rowwise_backward:
    case StepKind::polynomial_forward:
    case StepKind::polynomial_backward: return true;
    case StepKind::loss:  // its partial sums are those of columns
      return true;
    default: return false;
  }
}

// A loss sums its values in blocks of loss_block columns. Tiles end where a block ends, so the sum is the same for every
// way of cutting the step into tiles.
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

// Steps that run on each tile one after another, all tiles in parallel. Between phases all tiles have finished.
struct Phase {
  int32_t first_step = 0;
  int32_t steps = 0;
  int64_t rows = 1;  // the domain that the grid cuts
  int64_t columns = 1;
  Grid grid;
  bool uses_scratch = false;  // then its tiles are computed one at a time
  bool concurrent = false;       // its steps run beside each other: none uses what another writes
};

struct Program {
  DType dtype = DType::float32;
  int64_t batch = 0;
  std::vector<Step> steps;
  std::vector<Phase> phases;
  int32_t backward_begin = 0;  // the first phase of the backward pass: nothing before it writes a parameter
  int64_t arena_bytes = 0;
  Operand loss;  // the scalar that is checked between the passes; absent when only predicting

  std::shared_ptr<void> prepared;  // what the engine's prepare has made of the program, for the engine alone
};

}  // namespace chainrule
