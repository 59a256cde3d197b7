// The program that a plan gives to an engine: steps on operands, grouped into phases.
//
// A step's domain is a matrix of rows x columns. A tile is a rectangle of it. For batched values rows are features and
// columns are samples. A part is a range of a long sum: each part is summed on its own, and a later step adds the
// parts.
//
// Engines include rule headers, this file and backend/backend.h. They never include graph or api.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "ops/op.h"
#include "optim/optimizer.h"
#include "util/dtype.h"
#include "util/host_device.h"

namespace chainrule {

// The blocks of memory that contain the operands. A caller provides one address per block (Context).
enum class Space : int32_t {
  arena,       // values between phases, which share memory if their lifetimes differ; one arena per caller
  parameters,  // all parameters of a model, dense, each at a multiple of 64 bytes
  constants,   // laid out like the parameters
  gradients,   // gradients that the caller reads, each at the offset of its parameter
  state0,      // the optimizer's states, each at the offset of its parameter; optim/ defines their meaning
  state1,
  state2,
  input,  // the user's data, [batch][feature]; each data node of the graph has a block, identified by its slot
  output,   // the results for the user, [batch][feature]; each result has a slot
  scratch,  // values that only one tile of one phase uses, in memory of the thread that computes the tile
};
constexpr int32_t space_count = 10;

constexpr Space state_space(int32_t state) {
  return static_cast<Space>(static_cast<int32_t>(Space::state0) + state);
}
static_assert(state_space(max_states) == Space::input, "each state of an optimizer has a space");

// A matrix in one of the spaces. Element (r, c) is at offset + (r * row_stride + c * column_stride) elements;
// column_stride is 0 (one value per row) or 1.
struct Operand {
  Space space = Space::arena;
  int32_t slot = -1;    // input, output
  int64_t offset = -1;  // bytes; -1: there is no operand
  int64_t row_stride = 0;
  int64_t column_stride = 1;
  int64_t bytes = 0;  // from the offset to the end of the value; not set for users' data and scratch

  bool present() const { return offset >= 0; }
};

// Returns true if two operands can share memory. The data of each user slot count as one block.
inline bool overlap(const Operand& a, const Operand& b) {
  if (a.space != b.space || a.slot != b.slot) return false;
  if (a.space == Space::input || a.space == Space::output) return true;
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

// The computation of a step on a domain of rows x columns. (r, c) is an element of the domain. The list of operands, in
// their order, follows the formula; `?` marks an optional one. For the steps marked (acc), `=` means `+=` if
// `accumulate` is set.
enum class StepKind : int32_t {
  product,  // C = α op(A) op(B) + β C: C A B; k, transposed_a, transposed_b. If parts > 1, C consists of `parts`
            // blocks of rows / parts rows, one below the other; block p sums part number p of k (part_depth)
  sum_parts,      // c = α Σ_p s_p + β c, s_p the blocks of such a product or row_sum: c s; `parts`
  unary_forward,  // a = rule(z + bias): a z bias? derivative?; with the last, it also writes the derivative of a
  unary_backward,   // d_z = rule(δ, saved): d_z δ saved? (acc)
  binary_forward,   // c = rule(a, b): c a b
  binary_backward,  // d_a or d_b (side 0, 1) = rule(δ, other): d δ other? (acc)
  row_sum,  // s_r = α Σ_c x_rc + β s_r: s x. If parts > 1, s has `rows` sums for each part of the columns
  reduction_forward,     // s_c = rule over r of x: s x
  reduction_backward,    // d_x = rule(δ_c, x): d_x δ x (acc)
  log_sum_exp_forward,   // s_c: s z saved?
  log_sum_exp_backward,  // d_z = rule(δ_c, z, saved): d_z δ z saved (acc)
  rowwise_forward,   // a = rule(x): a x saved? parameters...; backward reads `saved` in addition to x or a
  rowwise_backward,  // d_x = rule(δ, x or a, saved): d_x δ x|a saved? parameters... (acc)
  rowwise_parameter_backward,  // the contribution of each element to a parameter's gradient: d δ x saved (acc)
  copy,                        // d = s: d s (acc)
  polynomial_forward,          // φ: φ x; the domain is that of x
  polynomial_backward,         // d_x: d_x δ x (acc)
  loss,             // one partial sum per loss_block, and the derivatives: partials? f y d_f? d_y? δ? (acc)
  loss_value,       // s = constant * Σ partials: s partials; `count` partial sums
  transpose_in,     // [batch][feature] to [feature][batch]: x user
  transpose_out,    // [feature][batch] to [batch][feature], adding +0: user x
  fill,             // d = constant: d (acc)
  custom_forward,   // a = the user's f(z), in one call on the thread that runs the program: a z
  custom_backward,  // d_z = the user's backward(δ, z, a), in one such call: d_z δ z a (acc)
  update,  // applies the optimizer's rule to w and its states: w s0? s1? s2? g?. Without g, a product has
           // written a state, and the step applies only after_product of the rule
};
constexpr int32_t max_operands = 6;
constexpr int32_t update_gradient = 1 + max_states;  // update: index of operand g; state k is operand 1 + k
static_assert(update_gradient < max_operands, "an update has too many operands");

struct Step {
  StepKind kind = StepKind::fill;
  Op op = Op::identity;  // the operation whose rule is applied
  Operand operands[max_operands];
  bool writes[max_operands] = {};  // by operand: the step writes it
  int64_t rows = 1;                // the domain
  int64_t columns = 1;
  double constant = 0;   // the constant c of the rule; loss_value: the factor of the mean; fill: the value
  double constant2 = 0;  // loss: the factor of the derivatives, including δ if it is a known number
  bool accumulate = false;
  bool accumulate2 = false;  // loss: accumulate for d_y
  int32_t side = 0;          // binary_backward
  int32_t node = -1;         // unary: the node whose random words a random rule gets
  bool by_sample = false;    // unary: the columns are samples, numbered in the whole step for random words
  int32_t custom = -1;       // custom: the number of the operation
  bool labels = false;       // loss: y holds class indices (int32), not values
  OptimizerKind optimizer = OptimizerKind::sgd;  // update
  int64_t count = 0;                             // reduction, rowwise: features; loss_value: partial sums
  int64_t k = 0;                                 // product
  bool over_samples = false;                     // product, row_sum: the sum is over samples
  int64_t parts = 1;               // product, row_sum, sum_parts: the number of parts of a long sum
  int64_t part_depth = INT64_MAX;  // the length of a part along k or the columns; the last can be shorter
  bool transposed_a = false;
  bool transposed_b = false;
  Coefficient alpha;  // product, row_sum
  Coefficient beta{0, 0};
};

// Returns the states of an update step: bit k is set if it has state k.
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

// Returns true if a tile of the step must have all rows of the domain, that is, all features of its samples.
inline bool needs_whole_columns(const Step& step) {
  switch (step.kind) {
    case StepKind::reduction_forward:
    case StepKind::log_sum_exp_forward:
    case StepKind::rowwise_forward:
    case StepKind::rowwise_backward:
    case StepKind::polynomial_forward:
    case StepKind::polynomial_backward: return true;
    case StepKind::loss:  // it has one partial sum per block of columns
      return true;
    default: return false;
  }
}

// A loss sums its values in blocks of loss_block columns. Tiles end at the end of a block, so the sum does not depend
// on how the step is divided into tiles.
constexpr int64_t loss_block = 32;

// The division of a domain into tiles. It depends only on shapes, so results do not depend on the number of threads.
struct Grid {
  int64_t tile_rows = 1;
  int64_t tile_columns = 1;
  int64_t row_tiles = 1;
  int64_t column_tiles = 1;

  int64_t tiles() const { return row_tiles * column_tiles; }
  bool only_columns() const { return row_tiles == 1 && column_tiles > 1; }
};

// A group of steps. On each tile the steps run one after another; the tiles run in parallel. All tiles finish before
// the next phase begins.
struct Phase {
  int32_t first_step = 0;
  int32_t steps = 0;
  int64_t rows = 1;  // the domain that the grid divides
  int64_t columns = 1;
  Grid grid;
  bool uses_scratch =
      false;  // some of its values are in Space::scratch, so a thread must not join (merge) tiles
  bool concurrent = false;  // its steps run at the same time; none uses a value that another writes
};

struct Program {
  DType dtype = DType::float32;
  int64_t batch = 0;
  std::vector<Step> steps;
  std::vector<Phase> phases;
  int32_t backward_begin = 0;  // the first phase of the backward pass; no phase before it writes a parameter
  int64_t arena_bytes = 0;
  Operand loss;  // the scalar that is checked between the passes; absent without a loss

  std::shared_ptr<void> prepared;  // data that the engine's prepare() attaches, used only by the engine
};

}  // namespace chainrule
