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
   * A linear layer with a given weight, without bias.
   *
   * @param x batched, as many features as the weight has columns
   * @param weight not batched, [outputs][inputs]
   * @return a batched node of as many features as the weight has rows
   */
  public Node linear(Node x, Node weight) {
    return apply(Op.LINEAR, x, weight);
  }

  /**
   * A linear layer with a given weight and bias.
   *
   * @param x batched, as many features as the weight has columns
   * @param weight not batched, [outputs][inputs]
   * @param bias not batched, [outputs]
   * @return a batched node of as many features as the weight has rows
   */
  public Node linear(Node x, Node weight, Node bias) {
    return apply(Op.LINEAR, x, weight, bias);
  }

  /**
   * A linear layer with the transposed of a given weight, without bias.
   *
   * @param x batched, as many features as the weight has rows
   * @param weight not batched, [inputs][outputs]
   * @return a batched node of as many features as the weight has columns
   */
  public Node linearTransposed(Node x, Node weight) {
    return apply(Op.LINEAR, 0, 0, 0, true, x, weight);
  }

  /**
   * A linear layer with the transposed of a given weight, as in a decoder whose weight is tied to
   * its encoder's.
   *
   * @param x batched, as many features as the weight has rows
   * @param weight not batched, [inputs][outputs]
   * @param bias not batched, [outputs]
   * @return a batched node of as many features as the weight has columns
   */
  public Node linearTransposed(Node x, Node weight, Node bias) {
    return apply(Op.LINEAR, 0, 0, 0, true, x, weight, bias);
  }

  /**
   * The product of a weight and x, which may be data or a matrix.
   *
   * @param x as many rows as the weight has columns
   * @param weight not batched
   * @return batched if x is
   */
  public Node matmul(Node x, Node weight) {
    return apply(Op.MATMUL, x, weight);
  }

  /**
   * The product of a transposed weight and x, which may be data or a matrix.
   *
   * @param x as many rows as the weight has rows
   * @param weight not batched
   * @return batched if x is
   */
  public Node matmulTransposed(Node x, Node weight) {
    return apply(Op.MATMUL, 0, 0, 0, true, x, weight);
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
}
