package org.chainrule;

import java.util.List;
import org.chainrule.binding.NativeAttributes;

/**
 * One variable of a {@link Graph}: data, a parameter, or what an operation makes of other nodes.
 * Immutable but for its name ({@link #named}); holds a shape and no values. A <em>batched</em> node
 * is one vector of {@link #features()} values for each sample of a batch; any other is a matrix of
 * {@link #rows()} x {@link #columns()} values that is the same for the whole batch.
 *
 * <p>The methods that make nodes take this node as their first input. Where {@link Graph} has one
 * of the same name, both do the same.
 */
public final class Node {
  /** What {@link #layerNorm()} adds to the variance. */
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

  /** What an operation has besides its inputs. */
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
   * The name, unique in the graph: the one that was given, or the operation and a number.
   *
   * @return a name
   */
  public String name() {
    return name;
  }

  /**
   * Gives this node another name. The weight and bias of a linear layer that are called like it
   * with {@code .weight} and {@code .bias} behind are renamed with it.
   *
   * @param name not empty, not another node's
   * @return this node
   * @throws IllegalArgumentException if the name, or that of a parameter, is in use; nothing is
   *     changed
   * @throws IllegalStateException if a model has been made of this node: its data and files know it
   *     by the name it has
   */
  public Node named(String name) {
    graph.rename(this, name);
    return this;
  }

  /** Takes the name that the native graph has for it. */
  void rename(String name) {
    this.name = name;
  }

  /**
   * What makes this node's value.
   *
   * @return the operation
   */
  public Op op() {
    return op;
  }

  /**
   * The operation's name: that of {@link #op()}, or for {@link Op#CUSTOM} the one it is registered
   * under.
   *
   * @return a name
   */
  public String operation() {
    return operation.isEmpty() ? op.nativeName() : operation;
  }

  /**
   * Whether there is one value a sample.
   *
   * @return false for parameters, constants, losses and what is computed from these alone
   */
  public boolean isBatched() {
    return batched;
  }

  /**
   * How many values a sample has, or the whole node where it is not batched. For a label: the
   * number of classes.
   *
   * @return rows times columns
   */
  public long features() {
    return rows * columns;
  }

  /**
   * The rows of a matrix; for a weight, its outputs.
   *
   * @return 1 or more
   */
  public long rows() {
    return rows;
  }

  /**
   * The columns of a matrix; for a weight, its inputs. 1 for data.
   *
   * @return 1 or more
   */
  public long columns() {
    return columns;
  }

  /**
   * The nodes this one is computed from, in order.
   *
   * @return an unmodifiable list; empty for data, parameters and constants
   */
  public List<Node> inputs() {
    return inputs;
  }

  /**
   * The number in the operation's formula: the factor of {@code scale}, the slope of {@code
   * leakyRelu}, the alpha of {@code elu}, the rate of {@code dropout}, the epsilon of {@code
   * layerNorm}, the delta of {@code huber}; the value of a constant scalar.
   *
   * @return a finite number; 0 for other operations
   */
  public double constant() {
    return attributes.constant();
  }

  /**
   * The values of a constant.
   *
   * @return {@link #features()} numbers, row by row
   * @throws IllegalArgumentException if this is not a constant
   * @throws IllegalStateException if the graph is closed
   */
  public double[] constantValues() {
    return graph.constantValues(this);
  }

  /**
   * Whether a {@code linear} or {@code matmul} takes its weight transposed.
   *
   * @return false for other operations
   */
  public boolean isTransposed() {
    return attributes.transposed();
  }

  /**
   * The first feature of a {@code slice}.
   *
   * @return 0 for other operations
   */
  public long begin() {
    return attributes.begin();
  }

  /**
   * One after the last feature of a {@code slice}.
   *
   * @return 0 for other operations
   */
  public long end() {
    return attributes.end();
  }

  /**
   * {@return a linear layer of its own weight and bias on this node}
   *
   * @param features outputs
   */
  public Node linear(long features) {
    return graph.linear(this, features);
  }

  /**
   * A linear layer of its own weight and bias on this node.
   *
   * @param features outputs
   * @param name the layer's; its parameters are called {@code name.weight} and {@code name.bias}
   * @return a batched node
   */
  public Node linear(long features, String name) {
    return graph.linear(this, features, name);
  }

  /**
   * A linear layer of its own weight and bias on this node.
   *
   * @param features outputs
   * @param initializer of the weight
   * @param name the layer's; its parameters are called {@code name.weight} and {@code name.bias}
   * @return a batched node
   */
  public Node linear(long features, Initializer initializer, String name) {
    return graph.linear(this, features, initializer, name);
  }

  /**
   * A linear layer of its own weight and bias on this node.
   *
   * @param features outputs
   * @param initializer of the weight
   * @return a batched node
   */
  public Node linear(long features, Initializer initializer) {
    return graph.linear(this, features, initializer);
  }

  /**
   * {@return the sum of this node and another}
   *
   * @param other a node of the same graph
   */
  public Node add(Node other) {
    return graph.apply(Op.ADD, this, other);
  }

  /**
   * {@return this node minus another}
   *
   * @param other a node of the same graph
   */
  public Node subtract(Node other) {
    return graph.apply(Op.SUBTRACT, this, other);
  }

  /**
   * {@return the elementwise product}
   *
   * @param other a node of the same graph
   */
  public Node multiply(Node other) {
    return graph.apply(Op.MULTIPLY, this, other);
  }

  /**
   * {@return this node times a number}
   *
   * @param factor a finite number
   */
  public Node scale(double factor) {
    return graph.apply(Op.SCALE, factor, this);
  }

  /** {@return this node with the opposite sign} */
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

  /** {@return the values themselves} */
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

  /** {@return the rectified value of each value; its derivative at exactly 0 is 1} */
  public Node relu() {
    return graph.apply(Op.RELU, this);
  }

  /** {@return the smooth ReLU of each value} */
  public Node softplus() {
    return graph.apply(Op.SOFTPLUS, this);
  }

  /** {@return the Gaussian error linear unit of each value} */
  public Node gelu() {
    return graph.apply(Op.GELU, this);
  }

  /** {@return the sigmoid linear unit of each value} */
  public Node silu() {
    return graph.apply(Op.SILU, this);
  }

  /** {@return probabilities, this node being logits} */
  public Node softmax() {
    return graph.apply(Op.SOFTMAX, this);
  }

  /**
   * Layer normalisation with a weight and a bias of its own: the features of each sample are
   * brought to mean 0 and variance 1, then scaled by the weight, at first 1, and shifted by the
   * bias, at first 0. J. Ba, J. Kiros, G. Hinton, 2016. The parameters are called like the node
   * with {@code .weight} and {@code .bias} behind; {@link #named} renames them with it.
   *
   * @return a node of this one's shape
   */
  public Node layerNorm() {
    return graph.applyWithParameters(Op.LAYER_NORM, LAYER_NORM_EPSILON, this, "");
  }

  /**
   * Layer normalisation with a weight and a bias of its own, and a name; see {@link #layerNorm()}.
   *
   * @param name the node's; its parameters are called {@code name.weight} and {@code name.bias}
   * @return a node of this one's shape
   */
  public Node layerNorm(String name) {
    Check.name(name, "layerNorm");
    return graph.applyWithParameters(Op.LAYER_NORM, LAYER_NORM_EPSILON, this, name);
  }

  /**
   * Layer normalisation with given parameters, or without.
   *
   * @param epsilon what is added to the variance, positive; PyTorch's default is 1e-5
   * @param parameters none; a weight; or a weight and a bias: nodes that are not batched, of one
   *     value a feature
   * @return a node of this one's shape
   */
  public Node layerNorm(double epsilon, Node... parameters) {
    Check.notNull(parameters, "layerNorm", "list of parameters");
    Node[] inputs = new Node[parameters.length + 1];
    inputs[0] = this;
    System.arraycopy(parameters, 0, inputs, 1, parameters.length);
    return graph.apply(Op.LAYER_NORM, epsilon, inputs);
  }

  /** {@return the sum over the features} */
  public Node sum() {
    return graph.apply(Op.SUM, this);
  }

  /** {@return the mean over the features} */
  public Node mean() {
    return graph.apply(Op.MEAN, this);
  }

  /** {@return the sum of squares over the features} */
  public Node squaredNorm() {
    return graph.apply(Op.SQUARED_NORM, this);
  }

  /** {@return the logarithm of the sum of exponentials over the features} */
  public Node logSumExp() {
    return graph.apply(Op.LOG_SUM_EXP, this);
  }

  /** {@return the monomials of degree 1 and 2 of the features} */
  public Node polynomialFeatures() {
    return graph.apply(Op.POLYNOMIAL_FEATURES, this);
  }

  /** {@return the mean over the batch} */
  public Node batchMean() {
    return graph.apply(Op.BATCH_MEAN, this);
  }

  /** {@return ReLU with slope 0.01 below 0} */
  public Node leakyRelu() {
    return leakyRelu(Graph.LEAKY_RELU_SLOPE);
  }

  /** {@return ELU with limit 1 below 0} */
  public Node elu() {
    return elu(Graph.ELU_ALPHA);
  }

  /**
   * {@return ReLU with this slope below 0}
   *
   * @param slope positive
   */
  public Node leakyRelu(double slope) {
    return graph.apply(Op.LEAKY_RELU, slope, this);
  }

  /**
   * {@return ELU with this limit below 0}
   *
   * @param alpha positive
   */
  public Node elu(double alpha) {
    return graph.apply(Op.ELU, alpha, this);
  }

  /**
   * In training steps a random share of the values is 0, and the others are divided by {@code 1 -
   * rate}, so that their mean stays; everywhere else ({@link Trainer#evaluate}, predictors,
   * Jacobians) the values themselves. Which values are 0 depends on the model's seed, this node,
   * the number of the step, the feature and the sample's position in the batch alone: {@link
   * Gradients} and {@link GradientCheck} see what the step sees, and a resumed training goes on as
   * if it had not stopped. (N. Srivastava et al., Dropout: a simple way to prevent neural networks
   * from overfitting, Journal of Machine Learning Research 15, 2014.)
   *
   * @param rate the probability of a 0, at least 0 and less than 1
   * @return a node of this one's shape
   * @throws IllegalArgumentException if the rate is out of its range
   */
  public Node dropout(double rate) {
    return graph.apply(Op.DROPOUT, rate, this);
  }

  /**
   * Some of this node's features.
   *
   * @param begin the first, from 0
   * @param end one after the last
   * @return a node of {@code end - begin} features
   */
  public Node slice(long begin, long end) {
    return graph.slice(this, begin, end);
  }

  /**
   * An elementwise operation of your own; see {@link Graph#custom(Node, String)}.
   *
   * @param operation the name it is registered under
   * @return a node of this one's shape
   */
  public Node custom(String operation) {
    return graph.custom(this, operation);
  }

  /** {@return name, operation and shape, samples first} */
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
