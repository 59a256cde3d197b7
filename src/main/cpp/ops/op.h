// The registry of operations: one line each, with the operation's kind and traits. Tests, the Java enum, drawings and
// benchmarks find an operation by going through this list; the formula of X, forward beside backward, is in ops/X.h.
#pragma once

#include <cstdint>

#include "util/range.h"

namespace chainrule {

// What kind of rule an operation has.
//   leaf       a variable: data or parameter
//   product    matrix product with a batchless operand
//   unary      elementwise, one operand
//   binary     elementwise, two operands; one broadcasts over the batch, or over the features
//   reduction  over the features of each sample, to one value
//   rowwise    over the features of each sample, to a vector; parameters may follow x
//   structure  moves or combines features
//   loss       prediction and target to one scalar, the mean over the batch
//   custom     elementwise, one operand; the rule is the user's
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

// What else is known of an operation. Whatever is a formula is in its rule.
struct Traits {
  const char* constant = nullptr;  // the name of the rule's constant c; null: it has none
  Range range = Range::any;        // of c
  bool data = false;               // leaf: do its values come with every batch?
  bool linear = false;             // are its derivatives the same for all values?
  bool kink = false;               // does its derivative jump? Then side() of its rule tells where
  bool activation = false;         // does it stand behind a layer as its nonlinearity?
  bool mixes_samples = false;      // structure: does it combine samples?
  bool random = false;     // unary: random in training, the identity elsewhere; see ops/random_words.h
  bool labels = false;     // loss: can the target be a class label?
  int32_t parameters = 0;  // rowwise: the most inputs after x; batchless, one value a feature
};

namespace traits {

constexpr Traits with(bool Traits::*fact) {
  Traits one;
  one.*fact = true;
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

// Does one sample's result depend on others? A loss is their mean.
constexpr bool mixes_samples(Op op) { return traits_of(op).mixes_samples || kind_of(op) == Kind::loss; }

constexpr int32_t count_of(Kind kind) {
  int32_t count = 0;
  for (Kind one : op_kinds) count += one == kind ? 1 : 0;
  return count;
}

// What a rule's backward needs besides delta. `nothing` lets the plan reuse both buffers. What a rule computes on the way
// and wants again, the lowering of its kind keeps (Lowering::saved_value).
enum class Saves { nothing, input, output, input_and_output };

constexpr bool saves_input(Saves saves) { return saves == Saves::input || saves == Saves::input_and_output; }
constexpr bool saves_output(Saves saves) {
  return saves == Saves::output || saves == Saves::input_and_output;
}

// What a loss may be given as targets: any values, those of a distribution (0 or more; their sum is not asked for), or
// probabilities (0 to 1).
enum class Targets { any, distribution, probabilities };

}  // namespace chainrule
