package org.chainrule;

import java.util.Locale;
import org.chainrule.binding.Native;

/**
 * The operations, in the order of the native registry. {@link #methodName()} is the name of the
 * method of {@link Node} or {@link Graph} that adds a node. The formulas of an operation, forward
 * and backward, are in the C++ file {@code ops/<name>.h}.
 */
public enum Op {
  /** Values that every batch provides. */
  INPUT,
  /** Values that a loss compares a prediction with. */
  TARGET,
  /** Class indices that a loss compares a prediction with. */
  LABEL,
  /** Values that training changes. */
  PARAMETER,
  /** Values that never change. */
  CONSTANT,
  /** Weight times input, plus an optional bias. */
  LINEAR,
  /** Weight times input. */
  MATMUL,
  /** Elementwise sum of two nodes. */
  ADD,
  /** Elementwise difference of two nodes. */
  SUBTRACT,
  /** Elementwise product of two nodes. */
  MULTIPLY,
  /** Product with a constant number. */
  SCALE,
  /** Elementwise change of sign. */
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
  /** Rectified linear unit with a small slope for negative values. */
  LEAKY_RELU,
  /** Exponential linear unit. */
  ELU,
  /** Smooth rectified linear unit. */
  SOFTPLUS,
  /** Gaussian error linear unit. */
  GELU,
  /** Sigmoid linear unit. */
  SILU,
  /** Sets random values to zero in training; elsewhere the input itself. */
  DROPOUT,
  /** Probabilities from logits. */
  SOFTMAX,
  /**
   * Scales the features of each sample to mean 0 and variance 1, then applies a weight and a bias.
   */
  LAYER_NORM,
  /** Sum over the features of each sample. */
  SUM,
  /** Mean over the features of each sample. */
  MEAN,
  /** Sum of squares over the features of each sample. */
  SQUARED_NORM,
  /** Logarithm of the sum of exponentials over the features of each sample. */
  LOG_SUM_EXP,
  /** Concatenation of features. */
  CONCAT,
  /** A range of the features. */
  SLICE,
  /** All monomials of degree 1 and 2 of the features. */
  POLYNOMIAL_FEATURES,
  /** Mean over the batch. */
  BATCH_MEAN,
  /** Cross-entropy from logits. */
  SOFTMAX_CROSS_ENTROPY,
  /** Cross-entropy from probabilities. */
  NEGATIVE_LOG_LIKELIHOOD,
  /** Binary cross-entropy from logits. */
  BINARY_CROSS_ENTROPY,
  /** Squared distance, summed over the outputs. */
  SQUARED_ERROR,
  /** Squared distance divided by the number of outputs. */
  MEAN_SQUARED_ERROR,
  /** Huber's loss: quadratic for small differences, linear for large ones. */
  HUBER,
  /** A user-defined elementwise operation. */
  CUSTOM;

  /** The kinds of operations, in the order of the native registry. */
  public enum Kind {
    /** A node without inputs: data, a parameter or a constant. */
    LEAF,
    /** A matrix product with a weight. */
    PRODUCT,
    /** An elementwise function of one node. */
    UNARY,
    /** An elementwise function of two nodes. */
    BINARY,
    /** Reduces the features of each sample to one number. */
    REDUCTION,
    /** Maps the features of each sample to the same number of features. */
    ROWWISE,
    /** Selects, combines or averages features. */
    STRUCTURE,
    /** Computes one number from a prediction and a target, as a mean over the batch. */
    LOSS,
    /** A user-defined elementwise function of one node. */
    CUSTOM;

    private static final Kind[] ALL = values();
  }

  private static final Op[] ALL = values();

  private final String nativeName = name().toLowerCase(Locale.ROOT);

  /** Returns the operation with a number of the native registry. */
  static Op of(int number) {
    if (number < 0 || number >= ALL.length) {
      throw new ChainruleException(
          "the native library has an operation number "
              + number
              + " that these Java classes do not define; use jars of the same version");
    }
    return ALL[number];
  }

  /**
   * Returns the operation's name outside Java code, for example in files and messages.
   *
   * @return a name such as {@code log_sum_exp}
   */
  public String nativeName() {
    return nativeName;
  }

  /**
   * Returns the name of the method of {@link Node} or {@link Graph} that adds such a node.
   *
   * @return a name such as {@code logSumExp}
   */
  public String methodName() {
    StringBuilder name = new StringBuilder();
    for (String word : nativeName.split("_")) {
      name.append(
          name.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return name.toString();
  }

  /**
   * Returns the kind of the operation.
   *
   * @return the kind in the native registry
   */
  public Kind kind() {
    return Kind.ALL[Native.op_kind(ordinal())];
  }

  /**
   * Returns whether batches provide the values of such a node.
   *
   * @return true for inputs, targets and labels
   */
  public boolean isData() {
    return Native.op_is_data(ordinal());
  }

  /**
   * Returns whether the operation is used as the nonlinearity of a layer.
   *
   * @return true for sigmoid, ReLU and similar operations, and for user-defined operations
   */
  public boolean isActivation() {
    return Native.op_is_activation(ordinal());
  }

  /**
   * Returns whether the operation's derivatives are the same for all values.
   *
   * @return true for sums, scalings, and operations that only rearrange features
   */
  public boolean isLinear() {
    return Native.op_is_linear(ordinal());
  }

  /**
   * Returns whether the operation's derivative is discontinuous.
   *
   * @return true for ReLU, Huber's loss and similar operations
   */
  public boolean hasKink() {
    return Native.op_has_kink(ordinal());
  }

  /**
   * Returns whether the result for one sample depends on the other samples of the batch.
   *
   * @return true for means over the batch
   */
  public boolean mixesSamples() {
    return Native.op_mixes_samples(ordinal());
  }

  /**
   * Returns the name of the constant in the operation's formula, which {@link Node#constant()}
   * returns.
   *
   * @return a name such as {@code slope}; empty if there is none
   */
  public String constantName() {
    return Native.op_constant(ordinal());
  }

  /**
   * Returns the range of the constant in the operation's formula.
   *
   * @return words such as {@code above 0 and finite}; empty if there is no constant
   */
  public String constantRange() {
    return Native.op_constant_range(ordinal());
  }
}
