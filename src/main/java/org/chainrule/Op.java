package org.chainrule;

import java.util.Locale;
import org.chainrule.binding.Native;

/**
 * The operations, in the order of the native registry. The Java method that makes a node of one is
 * {@link #methodName()} of {@link Node} or {@link Graph}; its formula, forward beside backward, is
 * the C++ file {@code ops/<name>.h}.
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
  /** Random zeros in training; the input itself elsewhere. */
  DROPOUT,
  /** Probabilities from logits. */
  SOFTMAX,
  /** Mean 0 and variance 1 over the features of each sample, then scale and shift. */
  LAYER_NORM,
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

  /** What kind of rule an operation has, in the order of the native registry. */
  public enum Kind {
    /** A variable: data or a parameter. */
    LEAF,
    /** A matrix product with a weight. */
    PRODUCT,
    /** A function of each number of one node. */
    UNARY,
    /** A function of two nodes, number by number. */
    BINARY,
    /** From the features of each sample to one number. */
    REDUCTION,
    /** From the features of each sample to as many numbers. */
    ROWWISE,
    /** Moves or combines features. */
    STRUCTURE,
    /** From a prediction and a target to one number, the mean over the batch. */
    LOSS,
    /** A function of the user's own of each number of one node. */
    CUSTOM;

    private static final Kind[] ALL = values();
  }

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
   * The name of the method of {@link Node}, {@link Graph} or both that makes such a node.
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

  /**
   * The kind of the operation's rule.
   *
   * @return the kind in the native registry
   */
  public Kind kind() {
    return Kind.ALL[Native.op_kind(ordinal())];
  }

  /**
   * Whether the values of such a node come with every batch.
   *
   * @return true for inputs, targets and labels
   */
  public boolean isData() {
    return Native.op_is_data(ordinal());
  }

  /**
   * Whether the operation is used as the nonlinearity of a layer.
   *
   * @return true for sigmoid, ReLU and their like, and for users' own operations
   */
  public boolean isActivation() {
    return Native.op_is_activation(ordinal());
  }

  /**
   * Whether the operation's derivatives are the same for all values.
   *
   * @return true for sums, scalings, and what moves features
   */
  public boolean isLinear() {
    return Native.op_is_linear(ordinal());
  }

  /**
   * Whether the operation's derivative jumps somewhere.
   *
   * @return true for ReLU, Huber's loss and their like
   */
  public boolean hasKink() {
    return Native.op_has_kink(ordinal());
  }

  /**
   * Whether one sample's result depends on the batch's other samples.
   *
   * @return true for means over the batch
   */
  public boolean mixesSamples() {
    return Native.op_mixes_samples(ordinal());
  }

  /**
   * The name of the constant number that a node of this operation is made with.
   *
   * @return a name like {@code slope}; empty if there is none
   */
  public String constantName() {
    return Native.op_constant(ordinal());
  }

  /**
   * Which numbers that constant may be.
   *
   * @return words like {@code above 0 and finite}; empty if there is no constant
   */
  public String constantRange() {
    return Native.op_constant_range(ordinal());
  }
}
