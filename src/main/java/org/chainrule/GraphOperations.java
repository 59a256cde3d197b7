package org.chainrule;

/**
 * The operations of a graph that have no parameters of their own. The formula of each, forward
 * beside backward, is the C++ file {@code ops/<name>.h}.
 */
abstract class GraphOperations extends NativeObject {
  /** The slope of {@link #leakyRelu(Node)}. */
  static final double LEAKY_RELU_SLOPE = 0.01;

  /** The alpha of {@link #elu(Node)}. */
  static final double ELU_ALPHA = 1;

  GraphOperations() {
    super("graph");
  }

  /** Makes a node; the attributes an operation does not have are ignored. */
  abstract Node apply(
      Op op, double constant, long begin, long end, boolean transposed, Node... inputs);

  final Node apply(Op op, Node... inputs) {
    return apply(op, 0, 0, 0, false, inputs);
  }

  final Node apply(Op op, double constant, Node... inputs) {
    return apply(op, constant, 0, 0, false, inputs);
  }

  /**
   * a + b.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts
   * @return a node of the larger shape
   */
  public Node add(Node a, Node b) {
    return apply(Op.ADD, a, b);
  }

  /**
   * a − b.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts
   * @return a node of the larger shape
   */
  public Node subtract(Node a, Node b) {
    return apply(Op.SUBTRACT, a, b);
  }

  /**
   * The elementwise product of a and b.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts
   * @return a node of the larger shape
   */
  public Node multiply(Node a, Node b) {
    return apply(Op.MULTIPLY, a, b);
  }

  /**
   * x times a number.
   *
   * @param x a node
   * @param factor a finite number
   * @return a node of x's shape
   */
  public Node scale(Node x, double factor) {
    return apply(Op.SCALE, factor, x);
  }

  /**
   * x with the opposite sign.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node negate(Node x) {
    return apply(Op.NEGATE, x);
  }

  /**
   * The square of each value.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node square(Node x) {
    return apply(Op.SQUARE, x);
  }

  /**
   * The exponential of each value.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node exp(Node x) {
    return apply(Op.EXP, x);
  }

  /**
   * The natural logarithm of each value; NaN for negative values.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node log(Node x) {
    return apply(Op.LOG, x);
  }

  /**
   * The values themselves.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node identity(Node x) {
    return apply(Op.IDENTITY, x);
  }

  /**
   * The logistic function of each value.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node sigmoid(Node x) {
    return apply(Op.SIGMOID, x);
  }

  /**
   * The hyperbolic tangent of each value.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node tanh(Node x) {
    return apply(Op.TANH, x);
  }

  /**
   * The larger of each value and 0. The derivative at exactly 0 is 1 (PyTorch has 0 there).
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node relu(Node x) {
    return apply(Op.RELU, x);
  }

  /**
   * ReLU with slope 0.01 below 0.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node leakyRelu(Node x) {
    return apply(Op.LEAKY_RELU, LEAKY_RELU_SLOPE, x);
  }

  /**
   * ReLU with a slope below 0: A. L. Maas et al., 2013.
   *
   * @param x a node
   * @param slope the slope below 0, positive
   * @return a node of x's shape
   */
  public Node leakyRelu(Node x, double slope) {
    return apply(Op.LEAKY_RELU, slope, x);
  }

  /**
   * The exponential linear unit with limit −1.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node elu(Node x) {
    return apply(Op.ELU, ELU_ALPHA, x);
  }

  /**
   * The exponential linear unit: D.-A. Clevert et al., 2016.
   *
   * @param x a node
   * @param alpha positive; the limit far below 0 is −alpha
   * @return a node of x's shape
   */
  public Node elu(Node x, double alpha) {
    return apply(Op.ELU, alpha, x);
  }

  /**
   * The logarithm of 1 + exp of each value: a smooth ReLU.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node softplus(Node x) {
    return apply(Op.SOFTPLUS, x);
  }

  /**
   * The Gaussian error linear unit: D. Hendrycks, K. Gimpel, 2016.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node gelu(Node x) {
    return apply(Op.GELU, x);
  }

  /**
   * Each value times its logistic function.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node silu(Node x) {
    return apply(Op.SILU, x);
  }

  /**
   * Probabilities from logits, over the features of each sample.
   *
   * @param x a node
   * @return a node of x's shape
   */
  public Node softmax(Node x) {
    return apply(Op.SOFTMAX, x);
  }

  /**
   * The sum over the features of each sample.
   *
   * @param x a node; one that is not batched counts as one vector of all its values
   * @return one value a sample, or a scalar where x is not batched
   */
  public Node sum(Node x) {
    return apply(Op.SUM, x);
  }

  /**
   * The mean over the features of each sample.
   *
   * @param x a node; one that is not batched counts as one vector of all its values
   * @return one value a sample, or a scalar where x is not batched
   */
  public Node mean(Node x) {
    return apply(Op.MEAN, x);
  }

  /**
   * The sum of squares over the features of each sample, ‖x‖².
   *
   * @param x a node; one that is not batched counts as one vector of all its values
   * @return one value a sample, or a scalar where x is not batched
   */
  public Node squaredNorm(Node x) {
    return apply(Op.SQUARED_NORM, x);
  }

  /**
   * The logarithm of the sum of exponentials over the features of each sample.
   *
   * @param x a node; one that is not batched counts as one vector of all its values
   * @return one value a sample, or a scalar where x is not batched
   */
  public Node logSumExp(Node x) {
    return apply(Op.LOG_SUM_EXP, x);
  }

  /**
   * The features of all parts, one after the other.
   *
   * @param parts one or more nodes, all batched or none
   * @return a node of as many features as all parts have together
   */
  public Node concat(Node... parts) {
    return apply(Op.CONCAT, parts);
  }

  /**
   * The features begin ... end − 1.
   *
   * @param x a node
   * @param begin the first feature, from 0
   * @param end one after the last feature
   * @return a node of end − begin features
   */
  public Node slice(Node x, long begin, long end) {
    return apply(Op.SLICE, 0, begin, end, false, x);
  }

  /**
   * All monomials of degree 1 and 2 of x: for two features x₁, x₂, x₁², x₂², x₁x₂; for n features
   * the n of degree 1, the n squares, then xᵢxⱼ for i &lt; j in lexicographic order.
   *
   * @param x one vector a sample
   * @return a node of 2n + n(n − 1)/2 features
   */
  public Node polynomialFeatures(Node x) {
    return apply(Op.POLYNOMIAL_FEATURES, x);
  }

  /**
   * The mean of each feature over the batch.
   *
   * @param x a batched node
   * @return a node that is not batched, one value a feature
   */
  public Node batchMean(Node x) {
    return apply(Op.BATCH_MEAN, x);
  }

  /**
   * Cross-entropy between the softmax of logits and a label or a distribution.
   *
   * @param logits one value a class, not yet probabilities
   * @param label a label of as many classes, or a target with a distribution a sample
   * @return a scalar, the mean over the batch
   */
  public Node softmaxCrossEntropy(Node logits, Node label) {
    return apply(Op.SOFTMAX_CROSS_ENTROPY, logits, label);
  }

  /**
   * Cross-entropy between probabilities and a label or a distribution. Prefer {@link
   * #softmaxCrossEntropy}, which cannot overflow.
   *
   * @param probabilities one value a class
   * @param label a label of as many classes, or a target with a distribution a sample
   * @return a scalar, the mean over the batch
   */
  public Node negativeLogLikelihood(Node probabilities, Node label) {
    return apply(Op.NEGATIVE_LOG_LIKELIHOOD, probabilities, label);
  }

  /**
   * Cross-entropy between the logistic function of logits and targets of 0 to 1, mean over the
   * outputs.
   *
   * @param logits any number of outputs, not yet probabilities
   * @param target as many values of 0 to 1
   * @return a scalar, the mean over the batch
   */
  public Node binaryCrossEntropy(Node logits, Node target) {
    return apply(Op.BINARY_CROSS_ENTROPY, logits, target);
  }

  /**
   * The squared distance ‖prediction − target‖²: summed over the outputs, mean over the batch.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @return a scalar, the mean over the batch
   */
  public Node squaredError(Node prediction, Node target) {
    return apply(Op.SQUARED_ERROR, prediction, target);
  }

  /**
   * The squared distance divided by the number of outputs, mean over the batch.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @return a scalar, the mean over the batch
   */
  public Node meanSquaredError(Node prediction, Node target) {
    return apply(Op.MEAN_SQUARED_ERROR, prediction, target);
  }

  /**
   * Huber's loss: half the squared distance where it is below delta, linear beyond; mean over the
   * outputs and the batch. P. J. Huber, 1964.
   *
   * @param prediction any number of outputs
   * @param target as many values
   * @param delta positive
   * @return a scalar, the mean over the batch
   */
  public Node huber(Node prediction, Node target, double delta) {
    return apply(Op.HUBER, delta, prediction, target);
  }
}
