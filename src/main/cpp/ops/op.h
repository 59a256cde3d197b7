// The registry of operations: one line each. Tests, the Java enum, drawings and benchmarks find an operation by
// going through this list; the formula of X, forward beside backward, is in ops/X.h.
#pragma once

#include <cstdint>

namespace chainrule {

// What kind of rule an operation has.
enum class Kind : int32_t {
  leaf,       // a variable: data or parameter
  product,    // matrix product with a batchless operand
  unary,      // elementwise, one operand
  binary,     // elementwise, two operands; a batchless one broadcasts over the batch
  reduction,  // over the features of each sample, to one value
  rowwise,    // over the features of each sample, to a vector
  structure,  // moves or combines features
  loss,       // prediction and target to one scalar, the mean over the batch
  custom,     // elementwise, one operand; the rule is the user's
};

#define CHAINRULE_OPS(X)            \
  X(input, leaf)                    \
  X(target, leaf)                   \
  X(label, leaf)                    \
  X(parameter, leaf)                \
  X(constant, leaf)                 \
  X(linear, product)                \
  X(matmul, product)                \
  X(add, binary)                    \
  X(subtract, binary)               \
  X(multiply, binary)               \
  X(scale, unary)                   \
  X(negate, unary)                  \
  X(square, unary)                  \
  X(exp, unary)                     \
  X(log, unary)                     \
  X(identity, unary)                \
  X(sigmoid, unary)                 \
  X(tanh, unary)                    \
  X(relu, unary)                    \
  X(leaky_relu, unary)              \
  X(elu, unary)                     \
  X(softplus, unary)                \
  X(gelu, unary)                    \
  X(silu, unary)                    \
  X(softmax, rowwise)               \
  X(sum, reduction)                 \
  X(mean, reduction)                \
  X(squared_norm, reduction)        \
  X(log_sum_exp, reduction)         \
  X(concat, structure)              \
  X(slice, structure)               \
  X(polynomial_features, structure) \
  X(batch_mean, structure)          \
  X(softmax_cross_entropy, loss)    \
  X(negative_log_likelihood, loss)  \
  X(binary_cross_entropy, loss)     \
  X(squared_error, loss)            \
  X(mean_squared_error, loss)       \
  X(huber, loss)                    \
  X(custom, custom)

enum class Op : int32_t {
#define CHAINRULE_OP_ENUM(name, kind) name,
  CHAINRULE_OPS(CHAINRULE_OP_ENUM)
#undef CHAINRULE_OP_ENUM
};

constexpr int32_t op_count = 0
#define CHAINRULE_OP_COUNT(name, kind) +1
    CHAINRULE_OPS(CHAINRULE_OP_COUNT);
#undef CHAINRULE_OP_COUNT

inline const char* name_of(Op op) {
  static const char* const names[] = {
#define CHAINRULE_OP_NAME(name, kind) #name,
      CHAINRULE_OPS(CHAINRULE_OP_NAME)
#undef CHAINRULE_OP_NAME
  };
  return names[static_cast<int32_t>(op)];
}

constexpr Kind op_kinds[] = {
#define CHAINRULE_OP_KIND(name, kind) Kind::kind,
    CHAINRULE_OPS(CHAINRULE_OP_KIND)
#undef CHAINRULE_OP_KIND
};

inline Kind kind_of(Op op) { return op_kinds[static_cast<int32_t>(op)]; }

constexpr int32_t count_of(Kind kind) {
  int32_t count = 0;
  for (Kind one : op_kinds) count += one == kind ? 1 : 0;
  return count;
}

// What a rule's backward needs besides delta. `nothing` lets the plan reuse both buffers.
enum class Saves { nothing, input, output };

// What a loss may be given as targets: any values, those of a distribution (0 or more; their sum is not asked for), or
// probabilities (0 to 1).
enum class Targets { any, distribution, probabilities };

}  // namespace chainrule
