package org.chainrule;

import java.util.Locale;

/**
 * The operations, in the order of the native registry. The Java method that makes a node of one is
 * {@link #methodName()} of {@link Graph}; its formula, forward beside backward, is the C++ file
 * {@code ops/<name>.h}.
 */
public enum Op {
  /** Data that comes with every batch. */
  INPUT,
  /** Values that a loss compares with. */
  TARGET,
  /** Class indices that a loss compares with. */
  LABEL,
  /** What training changes. */
  PARAMETER,
  /** Numbers that never change. */
  CONSTANT,
  /** Weight times input, plus bias. */
  LINEAR,
  /** Weight times input. */
  MATMUL,
  /** Sum of two nodes. */
  ADD,
  /** Difference of two nodes. */
  SUBTRACT,
  /** Elementwise product of two nodes. */
  MULTIPLY,
  /** Product with a constant number. */
  SCALE,
  /** Opposite sign. */
  NEGATE,
  /** Elementwise square. */
  SQUARE,
  /** Elementwise exponential. */
  EXP,
  /** Elementwise natural logarithm. */
  LOG,
  /** The input itself. */
  IDENTITY,
  /** Logistic function. */
  SIGMOID,
  /** Hyperbolic tangent. */
  TANH,
  /** Rectified linear unit. */
  RELU,
  /** ReLU with a small slope for negative values. */
  LEAKY_RELU,
  /** Exponential linear unit. */
  ELU,
  /** Smooth ReLU. */
  SOFTPLUS,
  /** Gaussian error linear unit. */
  GELU,
  /** Sigmoid linear unit. */
  SILU,
  /** Probabilities from logits. */
  SOFTMAX,
  /** Sum over the features of each sample. */
  SUM,
  /** Mean over the features of each sample. */
  MEAN,
  /** Sum of squares over the features of each sample. */
  SQUARED_NORM,
  /** Logarithm of the sum of exponentials over the features of each sample. */
  LOG_SUM_EXP,
  /** Features one after the other. */
  CONCAT,
  /** Some of the features. */
  SLICE,
  /** All monomials of degree 1 and 2. */
  POLYNOMIAL_FEATURES,
  /** Mean over the batch. */
  BATCH_MEAN,
  /** Cross-entropy from logits. */
  SOFTMAX_CROSS_ENTROPY,
  /** Cross-entropy from probabilities. */
  NEGATIVE_LOG_LIKELIHOOD,
  /** Binary cross-entropy from logits. */
  BINARY_CROSS_ENTROPY,
  /** Squared distance. */
  SQUARED_ERROR,
  /** Squared distance divided by the number of features. */
  MEAN_SQUARED_ERROR,
  /** Squared near zero, linear beyond. */
  HUBER,
  /** An elementwise operation of the user's own. */
  CUSTOM;

  private static final Op[] ALL = values();

  private final String nativeName = name().toLowerCase(Locale.ROOT);

  /** The operation of this number in the native registry. */
  static Op of(int number) {
    if (number < 0 || number >= ALL.length) {
      throw new ChainruleException(
          "the native library has an operation number "
              + number
              + " that"
              + " this version's Java classes do not know: use jars of one version");
    }
    return ALL[number];
  }

  /**
   * The operation's name everywhere but in Java methods.
   *
   * @return a name like {@code log_sum_exp}
   */
  public String nativeName() {
    return nativeName;
  }

  /**
   * The name of the method of {@link Graph} that makes such a node.
   *
   * @return a name like {@code logSumExp}
   */
  public String methodName() {
    StringBuilder name = new StringBuilder();
    for (String word : nativeName.split("_")) {
      name.append(
          name.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return name.toString();
  }

  /** Does a node of this operation bring values with every batch? */
  boolean isData() {
    return this == INPUT || this == TARGET || this == LABEL;
  }
}
