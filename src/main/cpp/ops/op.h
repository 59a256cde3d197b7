// The registry of operations: one line per operation, with its kind and its traits. Tests, the Java enum, drawings and
// benchmarks enumerate the operations from this list. The formula of X, forward beside backward, is in ops/X.h.
#pragma once

#include <cstdint>

#include "util/range.h"

namespace chainrule {

// The kinds of operations.
//   leaf       data, a parameter or a constant
//   product    a matrix product with a batchless operand
//   unary      elementwise, one operand
//   binary     elementwise, two operands; one can be broadcast over the batch or over the features
//   reduction  reduces the features of each sample to one value
//   rowwise    maps the features of each sample to a vector; parameters can follow x
//   structure  rearranges or combines features
//   loss       reduces a prediction and a target to one scalar, the mean over the batch
//   custom     elementwise, one operand; the user supplies the rule
#define CHAINRULE_KINDS(X) \
  X(leaf) X(product) X(unary) X(binary) X(reduction) X(rowwise) X(structure) X(loss) X(custom)

enum class Kind : int32_t {
#define CHAINRULE_KIND_ENUM(name) name,
  CHAINRULE_KINDS(CHAINRULE_KIND_ENUM)
#undef CHAINRULE_KIND_ENUM
};

constexpr int32_t kind_count = 0
#define CHAINRULE_KIND_COUNT(name) +1
    CHAINRULE_KINDS(CHAINRULE_KIND_COUNT);
#undef CHAINRULE_KIND_COUNT

inline const char* name_of(Kind kind) {
  static const char* const names[] = {
#define CHAINRULE_KIND_NAME(name) #name,
      CHAINRULE_KINDS(CHAINRULE_KIND_NAME)
#undef CHAINRULE_KIND_NAME
  };
  return names[static_cast<int32_t>(kind)];
}

// Further properties of an operation. Its formulas are in its rule.
struct Traits {
  const char* constant = nullptr;  // the name of the rule's constant c; null if it has none
  Range range = Range::any;        // the allowed values of c
  bool data = false;               // leaf: each batch supplies its values
  bool linear = false;             // its derivatives do not depend on the values
  bool kink = false;               // its derivative jumps; side() of its rule tells on which side a value is
  bool activation = false;         // used after a layer as its nonlinearity
  bool mixes_samples = false;      // structure: combines samples
  bool random = false;     // unary: random in training, otherwise the identity; see ops/random_words.h
  bool labels = false;     // loss: the target can be a class label
  int32_t parameters = 0;  // rowwise: the maximum number of inputs after x, each with one value per feature
};

namespace traits {

constexpr Traits with(bool Traits::*trait) {
  Traits one;
  one.*trait = true;
  return one;
}

constexpr Traits none;
constexpr Traits data = with(&Traits::data), linear = with(&Traits::linear), kink = with(&Traits::kink),
                 activation = with(&Traits::activation), mixes_samples = with(&Traits::mixes_samples),
                 random = with(&Traits::random), labels = with(&Traits::labels);

constexpr Traits with(const char* constant, Range range) {
  Traits one;
  one.constant = constant;
  one.range = range;
  return one;
}

constexpr Traits any(const char* constant) { return with(constant, Range::any); }
constexpr Traits positive(const char* constant) { return with(constant, Range::positive); }
constexpr Traits factor(const char* constant) { return with(constant, Range::factor); }

constexpr Traits parameters(int32_t most) {
  Traits one;
  one.parameters = most;
  return one;
}

constexpr Traits operator|(Traits a, const Traits& b) {
  if (b.constant != nullptr) {
    a.constant = b.constant;
    a.range = b.range;
  }
  a.data = a.data || b.data;
  a.linear = a.linear || b.linear;
  a.kink = a.kink || b.kink;
  a.activation = a.activation || b.activation;
  a.mixes_samples = a.mixes_samples || b.mixes_samples;
  a.random = a.random || b.random;
  a.labels = a.labels || b.labels;
  if (b.parameters > 0) a.parameters = b.parameters;
  return a;
}

}  // namespace traits

#define CHAINRULE_OPS(X)                                      \
  X(input, leaf, data)                                        \
  X(target, leaf, data)                                       \
  X(label, leaf, data)                                        \
  X(parameter, leaf, none)                                    \
  X(constant, leaf, none)                                     \
  X(linear, product, none)                                    \
  X(matmul, product, none)                                    \
  X(add, binary, linear)                                      \
  X(subtract, binary, linear)                                 \
  X(multiply, binary, none)                                   \
  X(scale, unary, linear | any("factor"))                     \
  X(negate, unary, linear)                                    \
  X(square, unary, none)                                      \
  X(exp, unary, none)                                         \
  X(log, unary, none)                                         \
  X(identity, unary, linear)                                  \
  X(sigmoid, unary, activation)                               \
  X(tanh, unary, activation)                                  \
  X(relu, unary, activation | kink)                           \
  X(leaky_relu, unary, activation | kink | positive("slope")) \
  X(elu, unary, activation | kink | positive("alpha"))        \
  X(softplus, unary, activation)                              \
  X(gelu, unary, activation)                                  \
  X(silu, unary, activation)                                  \
  X(dropout, unary, random | factor("rate"))                  \
  X(softmax, rowwise, none)                                   \
  X(layer_norm, rowwise, parameters(2) | positive("epsilon")) \
  X(sum, reduction, linear)                                   \
  X(mean, reduction, linear)                                  \
  X(squared_norm, reduction, none)                            \
  X(log_sum_exp, reduction, none)                             \
  X(concat, structure, linear)                                \
  X(slice, structure, linear)                                 \
  X(polynomial_features, structure, none)                     \
  X(batch_mean, structure, linear | mixes_samples)            \
  X(softmax_cross_entropy, loss, labels)                      \
  X(negative_log_likelihood, loss, labels)                    \
  X(binary_cross_entropy, loss, none)                         \
  X(squared_error, loss, none)                                \
  X(mean_squared_error, loss, none)                           \
  X(huber, loss, kink | positive("delta"))                    \
  X(custom, custom, activation)

enum class Op : int32_t {
#define CHAINRULE_OP_ENUM(name, kind, traits) name,
  CHAINRULE_OPS(CHAINRULE_OP_ENUM)
#undef CHAINRULE_OP_ENUM
};

constexpr int32_t op_count = 0
#define CHAINRULE_OP_COUNT(name, kind, traits) +1
    CHAINRULE_OPS(CHAINRULE_OP_COUNT);
#undef CHAINRULE_OP_COUNT

inline const char* name_of(Op op) {
  static const char* const names[] = {
#define CHAINRULE_OP_NAME(name, kind, traits) #name,
      CHAINRULE_OPS(CHAINRULE_OP_NAME)
#undef CHAINRULE_OP_NAME
  };
  return names[static_cast<int32_t>(op)];
}

constexpr Kind op_kinds[] = {
#define CHAINRULE_OP_KIND(name, kind, traits) Kind::kind,
    CHAINRULE_OPS(CHAINRULE_OP_KIND)
#undef CHAINRULE_OP_KIND
};

constexpr Kind kind_of(Op op) { return op_kinds[static_cast<int32_t>(op)]; }

namespace traits {
constexpr Traits of_ops[] = {
#define CHAINRULE_OP_TRAITS(name, kind, traits) traits,
    CHAINRULE_OPS(CHAINRULE_OP_TRAITS)
#undef CHAINRULE_OP_TRAITS
};
}  // namespace traits

constexpr const Traits& traits_of(Op op) { return traits::of_ops[static_cast<int32_t>(op)]; }

// Returns true if the result of one sample depends on other samples. That of a loss does: it is a mean over the batch.
constexpr bool mixes_samples(Op op) { return traits_of(op).mixes_samples || kind_of(op) == Kind::loss; }

constexpr int32_t count_of(Kind kind) {
  int32_t count = 0;
  for (Kind one : op_kinds) count += one == kind ? 1 : 0;
  return count;
}

// The values that a rule's backward needs besides delta. With `nothing` the plan can reuse both buffers. If backward
// also needs intermediate results of forward, the lowering of the operation's kind saves them (Lowering::saved_value).
// `derivative` is for an elementwise rule whose derivative cannot be computed accurately from its output, because the
// output is rounded: near 1, the sigmoid has lost 1 - a. The forward of such a rule computes value and derivative
// together, from the same exponential, with_derivative(). Its backward is one multiplication.
enum class Saves { nothing, input, output, input_and_output, derivative };

// The result of with_derivative().
template <class T>
struct WithDerivative {
  T value, derivative;
};

constexpr bool saves_input(Saves saves) { return saves == Saves::input || saves == Saves::input_and_output; }
constexpr bool saves_output(Saves saves) {
  return saves == Saves::output || saves == Saves::input_and_output;
}

// The target values that a loss accepts: any values, those of a distribution (at least 0; the sum is not checked), or
// probabilities (0 to 1).
enum class Targets { any, distribution, probabilities };

}  // namespace chainrule
