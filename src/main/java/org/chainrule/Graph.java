package org.chainrule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import org.chainrule.binding.NativeAttributes;
import org.chainrule.binding.NativeGraph;
import org.chainrule.binding.NativeModel;

/**
 * A computation graph: what is computed from what. Building computes nothing; a shape that does not
 * fit is refused when the node is made.
 *
 * <p>Every node has a name: its operation and its number, unless it is given one. {@link
 * Node#named} names any node, {@code x.linear(128, "hidden")} a layer with its parameters {@code
 * hidden.weight} and {@code hidden.bias}.
 *
 * <p>A node that is not batched <em>broadcasts</em> over the batch in {@link #add}, {@link
 * #subtract} and {@link #multiply}: one value a feature, or a scalar for all. A batched node of one
 * feature broadcasts over the features: one value a sample. The gradient of what is shared, by
 * samples, features or several nodes, is the sum.
 *
 * <p>Every method that makes a node throws an {@link IllegalArgumentException} that names the node,
 * what was expected and what it got, and an {@link IllegalStateException} after {@link #close}. One
 * thread at a time should build; others wait. A model keeps its own copy: closing the graph, which
 * only ends building, does not touch it.
 */
public final class Graph extends NativeObject {
  /** The slope of {@link #leakyRelu(Node)}. */
  static final double LEAKY_RELU_SLOPE = 0.01;

  /** The alpha of {@link #elu(Node)}. */
  static final double ELU_ALPHA = 1;

  private final NativeGraph handle;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> byName = new HashMap<>();
  private final NativeAttributes attributes;
  private int inModels;

  /** An empty graph. */
  public Graph() {
    this(createNative());
  }

  /** Takes over a native graph. */
  Graph(NativeGraph handle) {
    super("graph");
    this.handle = handle;
    own(() -> NativeGraph.destroy(handle));
    attributes = handle.new_attributes();
    inModels = handle.size();
    while (nodes.size() < inModels) {
      adopt(nodes.size());
    }
  }

  private static NativeGraph createNative() {
    Chainrule.load();
    return NativeGraph.create();
  }

  /**
   * Data that comes with every batch.
   *
   * @param name what batches and data sets call it
   * @param features values a sample
   * @return a batched node
   */
  public Node input(String name, long features) {
    return data(Op.INPUT, name, features);
  }

  /**
   * Values that a loss compares with.
   *
   * @param name what batches and data sets call it
   * @param features values a sample
   * @return a batched node
   */
  public Node target(String name, long features) {
    return data(Op.TARGET, name, features);
  }

  /**
   * Class indices that a loss compares with: one {@code int} a sample, from 0 to {@code classes -
   * 1}.
   *
   * @param name what batches and data sets call it
   * @param classes how many there are
   * @return a batched node that only losses take
   */
  public Node label(String name, long classes) {
    return data(Op.LABEL, name, classes);
  }

  /**
   * A matrix that training changes. Any number of nodes may use it.
   *
   * @param name unique in the graph
   * @param rows a weight's outputs
   * @param columns a weight's inputs
   * @param initializer how its first values are drawn
   * @return a node that is not batched
   */
  public synchronized Node parameter(
      String name, long rows, long columns, Initializer initializer) {
    Check.name(name, "parameter");
    Check.notNull(initializer, "parameter '" + name + "'", "initializer");
    return make(
        "parameter",
        () -> handle.parameter(name, rows, columns, initializer.kind(), initializer.value()));
  }

  /**
   * A vector that training changes.
   *
   * @param name unique in the graph
   * @param size how many values
   * @param initializer how its first values are drawn
   * @return a node that is not batched, of {@code size} rows and 1 column
   */
  public Node parameter(String name, long size, Initializer initializer) {
    return parameter(name, size, 1, initializer);
  }

  /**
   * A matrix that never changes.
   *
   * @param name unique in the graph
   * @param rows 1 or more
   * @param columns 1 or more
   * @param values {@code rows * columns} finite numbers, row by row
   * @return a node that is not batched
   */
  public synchronized Node constant(String name, long rows, long columns, double... values) {
    Check.name(name, "constant");
    Check.notNull(values, "constant '" + name + "'", "array of values");
    return make("constant", () -> handle.constant(name, rows, columns, values, values.length));
  }

  /**
   * A number that never changes.
   *
   * @param value finite
   * @return a scalar, which broadcasts to every shape
   */
  public synchronized Node constant(double value) {
    return make("constant", () -> handle.constant("", 1, 1, new double[] {value}, 1));
  }

  /**
   * A linear layer with a weight and a bias of its own: the weight drawn by {@link
   * Initializer#glorotUniform()}, the bias 0. They are called like the node with {@code .weight}
   * and {@code .bias} behind.
   *
   * @param x batched
   * @param features outputs
   * @return a batched node of {@code features} values a sample
   */
  public Node linear(Node x, long features) {
    return layer(x, features, Initializer.glorotUniform(), "");
  }

  /**
   * A linear layer with a weight and a bias of its own, and a name.
   *
   * @param x batched
   * @param features outputs
   * @param name the node's; its parameters are called {@code name.weight} and {@code name.bias}
   * @return a batched node of {@code features} values a sample
   */
  public Node linear(Node x, long features, String name) {
    return layer(x, features, Initializer.glorotUniform(), Check.name(name, "linear"));
  }

  /**
   * A linear layer with a weight and a bias of its own; the bias is 0 at first.
   *
   * @param x batched
   * @param features outputs
   * @param initializer how the weight's first values are drawn
   * @return a batched node of {@code features} values a sample
   */
  public Node linear(Node x, long features, Initializer initializer) {
    return layer(x, features, initializer, "");
  }

  /**
   * A linear layer with a weight and a bias of its own, and a name; the bias is 0 at first.
   *
   * @param x batched
   * @param features outputs
   * @param initializer how the weight's first values are drawn
   * @param name the node's; its parameters are called {@code name.weight} and {@code name.bias}
   * @return a batched node of {@code features} values a sample
   */
  public Node linear(Node x, long features, Initializer initializer, String name) {
    return layer(x, features, initializer, Check.name(name, "linear"));
  }

  private synchronized Node layer(Node x, long features, Initializer initializer, String name) {
    Check.notNull(initializer, "linear", "initializer");
    int input = id(x, "linear");
    return make(
        "linear",
        () -> handle.linear(name, input, features, initializer.kind(), initializer.value()));
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

  /**
   * Cross-entropy between the softmax of logits and a label or a distribution.
   *
   * @param logits one value a class, not yet probabilities; a softmax is refused
   * @param label a label of as many classes, or a target with a distribution a sample: values of 0
   *     or more, whose sum need not be 1
   * @return a scalar, the mean over the batch
   */
  public Node softmaxCrossEntropy(Node logits, Node label) {
    return apply(Op.SOFTMAX_CROSS_ENTROPY, logits, label);
  }

  /**
   * Cross-entropy between probabilities and a label or a distribution. Prefer {@link
   * #softmaxCrossEntropy}, which cannot overflow.
   *
   * @param probabilities one value a class; a linear layer or a logarithm is refused
   * @param label a label of as many classes, or a target with a distribution a sample: values of 0
   *     or more, whose sum need not be 1
   * @return a scalar, the mean over the batch
   */
  public Node negativeLogLikelihood(Node probabilities, Node label) {
    return apply(Op.NEGATIVE_LOG_LIKELIHOOD, probabilities, label);
  }

  /**
   * Cross-entropy between the logistic function of logits and targets of 0 to 1, mean over the
   * outputs.
   *
   * @param logits any number of outputs, not yet probabilities; a sigmoid is refused
   * @param target as many values of 0 to 1; a step refuses others
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

  /**
   * An elementwise operation of your own.
   *
   * @param x a node
   * @param operation the name it is registered under, see {@link CustomOperation#register}
   * @return a node of x's shape
   */
  public synchronized Node custom(Node x, String operation) {
    Check.name(operation, "custom");
    int input = id(x, "custom");
    return make("custom", () -> handle.custom(operation, input));
  }

  /**
   * All nodes, in the order they were made, which is also one in which they can be computed.
   *
   * @return an unmodifiable copy
   */
  public synchronized List<Node> nodes() {
    return List.copyOf(nodes);
  }

  /**
   * The node of this name.
   *
   * @param name a node's name
   * @return the node
   * @throws IllegalArgumentException if there is none
   */
  public synchronized Node node(String name) {
    Node node = byName.get(Check.notNull(name, "node", "name"));
    Check.that(node != null, "node", "the graph has no node named ", name);
    return node;
  }

  /** {@return one line a node: its name, operation, shape and inputs} */
  @Override
  public synchronized String toString() {
    StringBuilder text = new StringBuilder();
    for (Node node : nodes) {
      text.append(node);
      String separator = " of ";
      for (Node input : node.inputs()) {
        text.append(separator).append('\'').append(input.name()).append('\'');
        separator = ", ";
      }
      text.append(System.lineSeparator());
    }
    return text.toString();
  }

  Node apply(Op op, Node... inputs) {
    return apply(op, 0, 0, 0, false, inputs);
  }

  Node apply(Op op, double constant, Node... inputs) {
    return apply(op, constant, 0, 0, false, inputs);
  }

  /** Makes a row-wise operation with a weight and a bias of its own; an empty name is replaced. */
  synchronized Node applyWithParameters(Op op, double constant, Node x, String name) {
    int input = id(x, op.methodName());
    return make(op.methodName(), () -> handle.rowwise(op.ordinal(), name, input, constant));
  }

  /** Makes a node; the attributes an operation does not have are ignored. */
  private synchronized Node apply(
      Op op, double constant, long begin, long end, boolean transposed, Node... inputs) {
    int[] ids = new int[Check.notNull(inputs, op.methodName(), "list of inputs").length];
    for (int i = 0; i < ids.length; ++i) {
      ids[i] = id(inputs[i], op.methodName());
    }
    return make(
        op.methodName(),
        () -> {
          attributes.constant(constant).begin(begin).end(end).transposed(transposed);
          return handle.add(op.ordinal(), ids, ids.length, attributes);
        });
  }

  /** See {@link Node#constantValues}. */
  synchronized double[] constantValues(Node node) {
    Check.that(node.op() == Op.CONSTANT, "constantValues", "expected a constant, but got ", node);
    enter("constantValues");
    try {
      double[] values = new double[Check.size("constantValues", node.features(), 1)];
      handle.read_constant(node.id(), values, values.length);
      return values;
    } finally {
      exit();
    }
  }

  /** See {@link Node#named}. */
  synchronized void rename(Node node, String name) {
    Check.name(name, "named");
    if (node.id() < inModels) {
      throw new IllegalStateException(
          "named: a model was made of "
              + node
              + ", and its data and files know it by that name; name all nodes before Model.create");
    }
    for (Node input : node.inputs()) {
      boolean follows =
          input.name().equals(node.name() + ".weight")
              || input.name().equals(node.name() + ".bias");
      if (follows && input.op() == Op.PARAMETER && input.id() < inModels) {
        throw new IllegalStateException(
            "named: "
                + input
                + " would be renamed with "
                + node
                + ", but a model was made of it, and its data and files know it by that name");
      }
    }
    enter("named");
    try {
      handle.rename(node.id(), name);
      takeName(node);
      node.inputs().forEach(this::takeName);
    } finally {
      exit();
    }
  }

  private void takeName(Node node) {
    byName.remove(node.name(), node);
    node.rename(handle.name(node.id()));
    byName.put(node.name(), node);
  }

  /** A native model of this graph as it is now. */
  synchronized NativeModel createModel(DataType type, long seed, Device device) {
    enter("create");
    try {
      NativeModel model =
          NativeModel.create(handle, type == DataType.DOUBLE, seed, device.number());
      inModels = nodes.size();
      return model;
    } finally {
      exit();
    }
  }

  private synchronized Node data(Op op, String name, long size) {
    Check.name(name, op.methodName());
    return make(op.methodName(), () -> handle.data(op.ordinal(), name, size));
  }

  private int id(Node node, String operation) {
    Check.notNull(node, operation, "node");
    Check.that(node.graph() == this, operation, "a node of another graph came: ", node);
    return node.id();
  }

  /** Adopts what {@code maker} makes, and returns the last of it, whose number it returns. */
  private Node make(String operation, IntSupplier maker) {
    enter(operation);
    try {
      int id = maker.getAsInt();
      while (nodes.size() <= id) {
        adopt(nodes.size());
      }
      return nodes.get(id);
    } finally {
      exit();
    }
  }

  /** The Java side of a native node. */
  private void adopt(int id) {
    List<Node> inputs = new ArrayList<>();
    for (int i = 0; i < handle.input_count(id); ++i) {
      inputs.add(nodes.get(handle.input(id, i)));
    }
    Node node =
        new Node(
            this,
            id,
            Op.of(handle.op(id)),
            handle.name(id),
            handle.batched(id),
            handle.rows(id),
            handle.columns(id),
            handle.operation(id),
            List.copyOf(inputs),
            Node.Attributes.of(handle.attributes(id)));
    nodes.add(node);
    byName.put(node.name(), node);
  }
}
