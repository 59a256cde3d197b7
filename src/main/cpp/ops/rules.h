// Maps an operation to its rule. This is the only file that lists the rule types. A visit_...() function calls `body`
// with an empty value of the rule's type. It returns `otherwise` if the operation has no rule of that kind. If a rule
// is missing here, the code does not compile.
#pragma once

#include "ops/add.h"
#include "ops/binary_cross_entropy.h"
#include "ops/dropout.h"
#include "ops/elu.h"
#include "ops/exp.h"
#include "ops/gelu.h"
#include "ops/huber.h"
#include "ops/identity.h"
#include "ops/layer_norm.h"
#include "ops/leaky_relu.h"
#include "ops/log.h"
#include "ops/log_sum_exp.h"
#include "ops/mean.h"
#include "ops/mean_squared_error.h"
#include "ops/multiply.h"
#include "ops/negate.h"
#include "ops/negative_log_likelihood.h"
#include "ops/op.h"
#include "ops/relu.h"
#include "ops/scale.h"
#include "ops/sigmoid.h"
#include "ops/silu.h"
#include "ops/softmax.h"
#include "ops/softplus.h"
#include "ops/square.h"
#include "ops/squared_error.h"
#include "ops/squared_norm.h"
#include "ops/subtract.h"
#include "ops/sum.h"
#include "ops/tanh.h"
#include "util/host_device.h"

// The rule types by kind. The backends have a separate loop for each rule in CHAINRULE_ROWWISE_RULES and for
// softmax_cross_entropy.
#define CHAINRULE_UNARY_RULES(X) \
  X(scale, Scale)                \
  X(negate, Negate)              \
  X(square, Square)              \
  X(exp, Exp)                    \
  X(log, Log)                    \
  X(identity, Identity)          \
  X(sigmoid, Sigmoid)            \
  X(tanh, Tanh)                  \
  X(relu, Relu)                  \
  X(leaky_relu, LeakyRelu)       \
  X(elu, Elu)                    \
  X(softplus, Softplus)          \
  X(gelu, Gelu)                  \
  X(silu, Silu)                  \
  X(dropout, Dropout)
#define CHAINRULE_BINARY_RULES(X) X(add, Add) X(subtract, Subtract) X(multiply, Multiply)
#define CHAINRULE_REDUCTION_RULES(X) X(sum, Sum) X(mean, Mean) X(squared_norm, SquaredNorm)
#define CHAINRULE_ROWWISE_RULES(X) X(log_sum_exp, LogSumExp) X(softmax, Softmax) X(layer_norm, LayerNorm)
#define CHAINRULE_LOSS_RULES(X)                     \
  X(negative_log_likelihood, NegativeLogLikelihood) \
  X(binary_cross_entropy, BinaryCrossEntropy)       \
  X(squared_error, SquaredError)                    \
  X(mean_squared_error, MeanSquaredError)           \
  X(huber, Huber)

namespace chainrule {
inline namespace CHAINRULE_ISA {

#define CHAINRULE_COUNT(name, Rule) +1
static_assert(0 CHAINRULE_UNARY_RULES(CHAINRULE_COUNT) == count_of(Kind::unary), "a unary rule is missing");
static_assert(0 CHAINRULE_BINARY_RULES(CHAINRULE_COUNT) == count_of(Kind::binary),
              "a binary rule is missing");
static_assert(0 CHAINRULE_REDUCTION_RULES(CHAINRULE_COUNT) CHAINRULE_ROWWISE_RULES(CHAINRULE_COUNT) ==
                  count_of(Kind::reduction) + count_of(Kind::rowwise),
              "the rule of a reduction or a row-wise operation is missing");
static_assert(0 CHAINRULE_LOSS_RULES(CHAINRULE_COUNT) + 1 == count_of(Kind::loss),
              "a loss's rule is missing; softmax_cross_entropy has its own loops");
#undef CHAINRULE_COUNT

// Returns true if the rule has a function side().
template <class Rule>
constexpr auto has_side(int) -> decltype(&Rule::template side<double>, bool()) {
  return true;
}
template <class Rule>
constexpr bool has_side(long) {
  return false;
}

// Returns true if the rule, or a function built from one, gets a random word as its last argument. Such a type declares
// `random = true`.
template <class Rule>
HOST_DEVICE constexpr auto is_random(int) -> decltype(Rule::random, bool()) {
  return true;
}
template <class Rule>
HOST_DEVICE constexpr bool is_random(long) {
  return false;
}

#define CHAINRULE_RANDOM(name, Rule)                              \
  static_assert(is_random<Rule>(0) == traits_of(Op::name).random, \
                #Rule ": the rule and its traits must agree on whether it is random");
CHAINRULE_UNARY_RULES(CHAINRULE_RANDOM)
#undef CHAINRULE_RANDOM

#define CHAINRULE_KINK(name, Rule)                             \
  static_assert(has_side<Rule>(0) == traits_of(Op::name).kink, \
                #Rule ": a rule must have side() exactly if it has the trait kink");
CHAINRULE_UNARY_RULES(CHAINRULE_KINK)
CHAINRULE_LOSS_RULES(CHAINRULE_KINK)
#undef CHAINRULE_KINK

#define CHAINRULE_LINEAR(name, Rule)                                          \
  static_assert(!traits_of(Op::name).linear || Rule::saves == Saves::nothing, \
                #Rule ": a linear rule must save nothing");
CHAINRULE_UNARY_RULES(CHAINRULE_LINEAR)
CHAINRULE_REDUCTION_RULES(CHAINRULE_LINEAR)
#undef CHAINRULE_LINEAR

#define CHAINRULE_CASE(name, Rule) \
  case Op::name:                   \
    return body(Rule{});
#define CHAINRULE_VISIT(function, RULES)                         \
  template <class Result, class Body>                            \
  inline Result function(Op op, Result otherwise, Body&& body) { \
    switch (op) {                                                \
      RULES(CHAINRULE_CASE)                                      \
      default: return otherwise;                                 \
    }                                                            \
  }
CHAINRULE_VISIT(visit_unary, CHAINRULE_UNARY_RULES)
CHAINRULE_VISIT(visit_binary, CHAINRULE_BINARY_RULES)
CHAINRULE_VISIT(visit_reduction, CHAINRULE_REDUCTION_RULES)
CHAINRULE_VISIT(visit_loss, CHAINRULE_LOSS_RULES)
#undef CHAINRULE_VISIT
#undef CHAINRULE_CASE

// Returns the values that the backward of an operation with one operand reads besides δ. That of a custom operation can
// read both its input and its output.
inline Saves saves_of(Op op) {
  switch (op) {
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return Rule::saves;
    CHAINRULE_UNARY_RULES(CHAINRULE_CASE)
    CHAINRULE_REDUCTION_RULES(CHAINRULE_CASE)
    CHAINRULE_ROWWISE_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    case Op::custom: return Saves::input_and_output;
    default: return Saves::nothing;
  }
}

// Returns how many numbers per sample the forward of a row-wise rule saves for its backward, in addition to input or
// output.
inline int32_t saved_rows_of(Op op) {
  switch (op) {
#define CHAINRULE_CASE(name, Rule) \
  case Op::name: return Rule::saved_rows;
    CHAINRULE_ROWWISE_RULES(CHAINRULE_CASE)
#undef CHAINRULE_CASE
    default: return 0;
  }
}

}  // namespace CHAINRULE_ISA
}  // namespace chainrule
