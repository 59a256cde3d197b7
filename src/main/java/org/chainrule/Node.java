package org.chainrule;

import java.util.List;
import org.chainrule.binding.NativeAttributes;

/**
 * A node of a {@link Graph}: data, a parameter, a constant, or the result of an operation. A node
 * has a shape but holds no values. It is immutable except for its name ({@link #named}).
 *
 * <p>A <em>batched</em> node has one vector of {@link #features()} values per sample of a batch.
 * Any other node is a matrix of {@link #rows()} x {@link #columns()} values, which is the same for
 * the whole batch.
 *
 * <p>The methods that add a node to the graph use this node as its first input. They do the same as
 * the methods of {@link Graph} with the same name.
 */
public final class Node {
  /** The number that {@link #layerNorm()} adds to the variance. */
  private static final double LAYER_NORM_EPSILON = 1e-5;

  private final Graph graph;
  private final int id;
  private final Op op;
  private volatile String name;
  private final boolean batched;
  private final long rows;
  private final long columns;
  private final String operation;
  private final List<Node> inputs;
  private final Attributes attributes;

  /** The attributes of an operation, other than its inputs. */
  record Attributes(double constant, long begin, long end, boolean transposed) {
    static Attributes of(NativeAttributes a) {
      return new Attributes(a.constant(), a.begin(), a.end(), a.transposed());
    }
  }

  Node(
      Graph graph,
      int id,
      Op op,
      String name,
      boolean batched,
      long rows,
      long columns,
      String operation,
      List<Node> inputs,
      Attributes attributes) {
    this.graph = graph;
    this.id = id;
    this.op = op;
    this.name = name;
    this.batched = batched;
    this.rows = rows;
    this.columns = columns;
    this.operation = operation;
    this.inputs = inputs;
    this.attributes = attributes;
  }

  Graph graph() {
    return graph;
  }

  int id() {
    return id;
  }

  /**
   * Returns the name, which is unique in the graph. The default name consists of the operation and
   * the number of the node.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Renames this node. If the node has a weight or a bias whose name is the name of the node with
   * {@code .weight} or {@code .bias} appended, these are also renamed.
   *
   * @param name the new name, not empty and not the name of another node
   * @return this node
   * @throws IllegalArgumentException if the name, or the new name of a parameter, is in use;
   *     nothing is changed
   * @throws IllegalStateException if a model has been created from this node or from a parameter
   *     that would be renamed with it, because the model's data and files use the current name
   */
  public Node named(String name) {
    graph.rename(this, name);
    return this;
  }

  /** Stores the name that the native graph has for this node. */
  void rename(String name) {
    this.name = name;
  }

  /**
   * Returns the operation that computes this node.
   *
   * @return the operation
   */
  public Op op() {
    return op;
  }

  /**
   * Returns the name of the operation: the name of {@link #op()}, or for {@link Op#CUSTOM} the name
   * under which the operation is registered.
   *
   * @return a name
   */
  public String operation() {
    return operation.isEmpty() ? op.nativeName() : operation;
  }

  /**
   * Returns whether this node has one vector of values per sample.
   *
   * @return false for parameters, constants, losses, means over the batch, and everything that is
   *     computed only from these
   */
  public boolean isBatched() {
    return batched;
  }

  /**
   * Returns the number of values per sample, or of the whole node if it is not batched. For a
   * label, it is the number of classes.
   *
   * @return rows times columns
   */
  public long features() {
    return rows * columns;
  }

  /**
   * Returns the number of rows of the matrix. For a weight, it is the number of outputs.
   *
   * @return 1 or more
   */
  public long rows() {
    return rows;
  }

  /**
   * Returns the number of columns of the matrix. For a weight, it is the number of inputs; for
   * data, it is 1.
   *
   * @return 1 or more
   */
  public long columns() {
    return columns;
  }

  /**
   * Returns the nodes from which this node is computed, in the order of the operation's arguments.
   *
   * @return an unmodifiable list; empty for data, parameters and constants
   */
  public List<Node> inputs() {
    return inputs;
  }

  /**
   * Returns the constant in the operation's formula: the factor of {@code scale}, the slope of
   * {@code leakyRelu}, the alpha of {@code elu}, the rate of {@code dropout}, the epsilon of {@code
   * layerNorm}, the delta of {@code huber}, or the value of a constant scalar.
   *
   * @return a finite number; 0 for other operations
   */
  public double constant() {
    return attributes.constant();
  }

  /**
   * Returns the values of a constant node.
   *
   * @return {@link #features()} numbers, row by row
   * @throws IllegalArgumentException if this node is not a constant
   * @throws IllegalStateException if the graph is closed
   */
  public double[] constantValues() {
    return graph.constantValues(this);
  }

  /**
   * Returns whether a {@code linear} or {@code matmul} node uses its weight transposed.
   *
   * @return false for other operations
   */
  public boolean isTransposed() {
    return attributes.transposed();
  }

  /**
   * Returns the first feature of a {@code slice}.
   *
   * @return an index from 0; 0 for other operations
   */
  public long begin() {
    return attributes.begin();
  }

  /**
   * Returns the index after the last feature of a {@code slice}.
   *
   * @return an index; 0 for other operations
   */
  public long end() {
    return attributes.end();
  }

  /**
   * Adds a linear layer with a weight and a bias of its own; see {@link Graph#linear(Node, long)}.
   *
   * @param features the number of outputs, at least 1
   * @return a batched node
   */
  public Node linear(long features) {
    return graph.linear(this, features);
  }

  /**
   * Adds a named linear layer with a weight and a bias of its own.
   *
   * @param features the number of outputs, at least 1
   * @param name the name of the layer; its parameters are named {@code name.weight} and {@code
   *     name.bias}
   * @return a batched node
   */
  public Node linear(long features, String name) {
    return graph.linear(this, features, name);
  }

  /**
   * Adds a named linear layer with a weight and a bias of its own.
   *
   * @param features the number of outputs, at least 1
   * @param initializer how the initial values of the weight are drawn
   * @param name the name of the layer; its parameters are named {@code name.weight} and {@code
   *     name.bias}
   * @return a batched node
   */
  public Node linear(long features, Initializer initializer, String name) {
    return graph.linear(this, features, initializer, name);
  }

  /**
   * Adds a linear layer with a weight and a bias of its own.
   *
   * @param features the number of outputs, at least 1
   * @param initializer how the initial values of the weight are drawn
   * @return a batched node
   */
  public Node linear(long features, Initializer initializer) {
    return graph.linear(this, features, initializer);
  }

  /**
   * {@return the elementwise sum of this node and another}
   *
   * @param other a node of the same graph
   */
  public Node add(Node other) {
    return graph.apply(Op.ADD, this, other);
  }

  /**
   * {@return the elementwise difference, this node minus another}
   *
   * @param other a node of the same graph
   */
  public Node subtract(Node other) {
    return graph.apply(Op.SUBTRACT, this, other);
  }

  /**
   * {@return the elementwise product of this node and another}
   *
   * @param other a node of the same graph
   */
  public Node multiply(Node other) {
    return graph.apply(Op.MULTIPLY, this, other);
  }

  /**
   * {@return each value times a constant number}
   *
   * @param factor the number, finite
   */
  public Node scale(double factor) {
    return graph.apply(Op.SCALE, factor, this);
  }

  /** {@return each value with the opposite sign} */
  public Node negate() {
    return graph.apply(Op.NEGATE, this);
  }

  /** {@return the square of each value} */
  public Node square() {
    return graph.apply(Op.SQUARE, this);
  }

  /** {@return the exponential of each value} */
  public Node exp() {
    return graph.apply(Op.EXP, this);
  }

  /** {@return the natural logarithm of each value} */
  public Node log() {
    return graph.apply(Op.LOG, this);
  }

  /** {@return the unchanged values} */
  public Node identity() {
    return graph.apply(Op.IDENTITY, this);
  }

  /** {@return the logistic function of each value} */
  public Node sigmoid() {
    return graph.apply(Op.SIGMOID, this);
  }

  /** {@return the hyperbolic tangent of each value} */
  public Node tanh() {
    return graph.apply(Op.TANH, this);
  }

  /** {@return the larger of each value and 0; the derivative at exactly 0 is 1} */
  public Node relu() {
    return graph.apply(Op.RELU, this);
  }

  /** {@return ln(1 + eˣ) of each value, a smooth ReLU} */
  public Node softplus() {
    return graph.apply(Op.SOFTPLUS, this);
  }

  /** {@return the Gaussian error linear unit of each value} */
  public Node gelu() {
    return graph.apply(Op.GELU, this);
  }

  /** {@return the sigmoid linear unit of each value, x times its logistic function} */
  public Node silu() {
    return graph.apply(Op.SILU, this);
  }

  /** {@return the probabilities of each sample, with this node as the logits} */
  public Node softmax() {
    return graph.apply(Op.SOFTMAX, this);
  }

  /**
   * Adds a layer normalisation with a weight and a bias of its own. The features of each sample are
   * shifted and scaled to mean 0 and variance 1, then multiplied by the weight (initially 1) and
   * shifted by the bias (initially 0). The parameters have the name of the node with {@code
   * .weight} and {@code .bias} appended; {@link #named} renames them with it. See J. Ba, J. Kiros,
   * G. Hinton, 2016.
   *
   * @return a node with the shape of this one
   */
  public Node layerNorm() {
    return graph.applyWithParameters(Op.LAYER_NORM, LAYER_NORM_EPSILON, this, "");
  }

  /**
   * Adds a named layer normalisation with a weight and a bias of its own; see {@link #layerNorm()}.
   *
   * @param name the name of the node; its parameters are named {@code name.weight} and {@code
   *     name.bias}
   * @return a node with the shape of this one
   */
  public Node layerNorm(String name) {
    Check.name(name, "layerNorm");
    return graph.applyWithParameters(Op.LAYER_NORM, LAYER_NORM_EPSILON, this, name);
  }

  /**
   * Adds a layer normalisation with existing parameters, or without any.
   *
   * @param epsilon the number that is added to the variance, positive and finite; PyTorch's default
   *     is 1e-5
   * @param parameters none, a weight, or a weight and a bias; neither is batched, and each has one
   *     value per feature
   * @return a node with the shape of this one
   */
  public Node layerNorm(double epsilon, Node... parameters) {
    Check.notNull(parameters, "layerNorm", "list of parameters");
    Node[] inputs = new Node[parameters.length + 1];
    inputs[0] = this;
    System.arraycopy(parameters, 0, inputs, 1, parameters.length);
    return graph.apply(Op.LAYER_NORM, epsilon, inputs);
  }

  /** {@return the sum over the features of each sample} */
  public Node sum() {
    return graph.apply(Op.SUM, this);
  }

  /** {@return the mean over the features of each sample} */
  public Node mean() {
    return graph.apply(Op.MEAN, this);
  }

  /** {@return the sum of squares over the features of each sample} */
  public Node squaredNorm() {
    return graph.apply(Op.SQUARED_NORM, this);
  }

  /** {@return the logarithm of the sum of exponentials over the features of each sample} */
  public Node logSumExp() {
    return graph.apply(Op.LOG_SUM_EXP, this);
  }

  /**
   * {@return the monomials of degree 1 and 2 of the features; see {@link Graph#polynomialFeatures}}
   */
  public Node polynomialFeatures() {
    return graph.apply(Op.POLYNOMIAL_FEATURES, this);
  }

  /** {@return the mean of each feature over the batch} */
  public Node batchMean() {
    return graph.apply(Op.BATCH_MEAN, this);
  }

  /** {@return the leaky ReLU of each value, with slope 0.01 below 0} */
  public Node leakyRelu() {
    return leakyRelu(Graph.LEAKY_RELU_SLOPE);
  }

  /** {@return the exponential linear unit of each value, with alpha 1} */
  public Node elu() {
    return elu(Graph.ELU_ALPHA);
  }

  /**
   * {@return the leaky ReLU of each value}
   *
   * @param slope the slope below 0, positive and finite
   */
  public Node leakyRelu(double slope) {
    return graph.apply(Op.LEAKY_RELU, slope, this);
  }

  /**
   * {@return the exponential linear unit of each value}
   *
   * @param alpha positive and finite; very negative values approach −alpha
   */
  public Node elu(double alpha) {
    return graph.apply(Op.ELU, alpha, this);
  }

  /**
   * Applies dropout. In a training step, each value is set to 0 with probability {@code rate}, and
   * all other values are divided by {@code 1 - rate}, which preserves the mean. Everywhere else
   * ({@link Trainer#evaluate}, predictors, Jacobians) the values pass unchanged.
   *
   * <p>Which values are set to 0 depends only on the model's seed, this node, the number of the
   * step, the feature, and the position of the sample in the batch. {@link Gradients} and {@link
   * GradientCheck} therefore use the same zeros as the step, and a resumed training continues as if
   * it had not been interrupted.
   *
   * <p>See N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting,
   * Journal of Machine Learning Research 15, 2014.
   *
   * @param rate the probability of a 0, at least 0 and less than 1
   * @return a node with the shape of this one
   * @throws IllegalArgumentException if the rate is out of range
   */
  public Node dropout(double rate) {
    return graph.apply(Op.DROPOUT, rate, this);
  }

  /**
   * Selects the features from {@code begin} to {@code end - 1}.
   *
   * @param begin the first feature, from 0
   * @param end the index after the last feature, above {@code begin}
   * @return a node with {@code end - begin} features
   */
  public Node slice(long begin, long end) {
    return graph.slice(this, begin, end);
  }

  /**
   * Applies a user-defined elementwise operation; see {@link Graph#custom(Node, String)}.
   *
   * @param operation the name under which the operation is registered
   * @return a node with the shape of this one
   */
  public Node custom(String operation) {
    return graph.custom(this, operation);
  }

  /** {@return the name, the operation and the shape, with the batch as the first dimension} */
  @Override
  public String toString() {
    String shape =
        batched
            ? "[batch x " + rows + "]"
            : features() == 1
                ? "scalar"
                : columns == 1 ? "[" + rows + "]" : "[" + rows + " x " + columns + "]";
    return "'" + name + "' (" + operation() + ", " + shape + ")";
  }
}
