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
 * A computation graph: data, parameters, and the operations that are applied to them.
 *
 * <p>Most methods of this class add a node and return it. Adding a node computes no values, but it
 * checks the shapes of the inputs and determines the shape of the result.
 *
 * <p>Every node has a unique name. The default name consists of the operation and the number of the
 * node, such as {@code relu_3}. {@link Node#named} changes it. {@code x.linear(128, "hidden")}
 * names a layer {@code hidden}, and its parameters {@code hidden.weight} and {@code hidden.bias}.
 *
 * <p><b>Broadcasting.</b> {@link #add}, {@link #subtract} and {@link #multiply} also accept
 * operands of different shapes. A node that is not batched <em>broadcasts</em> over the batch if it
 * has one value per feature, or over everything if it is a scalar. A batched node with a single
 * feature broadcasts over the features: it has one value per sample. The gradient of a value that
 * several samples, features or nodes use is the sum over all its uses.
 *
 * <p>Every method that adds a node throws an {@link IllegalArgumentException} if an argument is
 * invalid; the message names the node, what was expected and what it got. It throws an {@link
 * IllegalStateException} after {@link #close}.
 *
 * <p>Thread-safe: one thread at a time adds nodes, and other threads wait. A model is created from
 * a copy of the graph. Closing the graph therefore does not affect models; it only ends building.
 */
public final class Graph extends NativeObject {
  /** The default slope of {@link #leakyRelu(Node)}. */
  static final double LEAKY_RELU_SLOPE = 0.01;

  /** The default alpha of {@link #elu(Node)}. */
  static final double ELU_ALPHA = 1;

  private final NativeGraph handle;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> byName = new HashMap<>();
  private final NativeAttributes attributes;

  /** The number of nodes that a model has copied. These nodes cannot be renamed. */
  private int inModels;

  /** Creates an empty graph. */
  public Graph() {
    this(createNative());
  }

  /** Wraps a native graph and takes ownership of it. */
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
   * Adds an input: values that every batch provides.
   *
   * @param name the name under which batches and data sets provide the values
   * @param features the number of values per sample, at least 1
   * @return a batched node
   */
  public Node input(String name, long features) {
    return data(Op.INPUT, name, features);
  }

  /**
   * Adds a target: values that a loss compares a prediction with.
   *
   * @param name the name under which batches and data sets provide the values
   * @param features the number of values per sample, at least 1
   * @return a batched node
   */
  public Node target(String name, long features) {
    return data(Op.TARGET, name, features);
  }

  /**
   * Adds a label: class indices that a loss compares a prediction with. A batch provides one {@code
   * int} per sample, from 0 to {@code classes - 1}.
   *
   * @param name the name under which batches and data sets provide the indices
   * @param classes the number of classes, at least 1
   * @return a batched node, which only losses accept as an input
   */
  public Node label(String name, long classes) {
    return data(Op.LABEL, name, classes);
  }

  /**
   * Adds a matrix that training changes. Any number of nodes may use it.
   *
   * @param name the name, unique in the graph
   * @param rows the number of rows; for a weight, the number of its outputs
   * @param columns the number of columns; for a weight, the number of its inputs
   * @param initializer how the initial values are drawn
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
   * Adds a vector that training changes. Any number of nodes may use it.
   *
   * @param name the name, unique in the graph
   * @param size the number of values, at least 1
   * @param initializer how the initial values are drawn
   * @return a node that is not batched, with {@code size} rows and 1 column
   */
  public Node parameter(String name, long size, Initializer initializer) {
    return parameter(name, size, 1, initializer);
  }

  /**
   * Adds a matrix of constants.
   *
   * @param name the name, unique in the graph
   * @param rows the number of rows, at least 1
   * @param columns the number of columns, at least 1
   * @param values {@code rows * columns} finite numbers, row by row
   * @return a node that is not batched
   */
  public synchronized Node constant(String name, long rows, long columns, double... values) {
    Check.name(name, "constant");
    Check.notNull(values, "constant '" + name + "'", "array of values");
    return make("constant", () -> handle.constant(name, rows, columns, values, values.length));
  }

  /**
   * Adds a constant number.
   *
   * @param value a finite number
   * @return a scalar, which broadcasts to every shape
   */
  public synchronized Node constant(double value) {
    return make("constant", () -> handle.constant("", 1, 1, new double[] {value}, 1));
  }

  /**
   * Adds a linear layer with a weight and a bias of its own. {@link Initializer#glorotUniform()}
   * draws the weight; the bias is initially 0. The parameters have the name of the layer with
   * {@code .weight} and {@code .bias} appended.
   *
   * @param x the input, batched
   * @param features the number of outputs, at least 1
   * @return a batched node with {@code features} values per sample
   */
  public Node linear(Node x, long features) {
    return layer(x, features, Initializer.glorotUniform(), "");
  }

  /**
   * Adds a named linear layer with a weight and a bias of its own. {@link
   * Initializer#glorotUniform()} draws the weight; the bias is initially 0.
   *
   * @param x the input, batched
   * @param features the number of outputs, at least 1
   * @param name the name of the layer; its parameters are named {@code name.weight} and {@code
   *     name.bias}
   * @return a batched node with {@code features} values per sample
   */
  public Node linear(Node x, long features, String name) {
    return layer(x, features, Initializer.glorotUniform(), Check.name(name, "linear"));
  }

  /**
   * Adds a linear layer with a weight and a bias of its own. The bias is initially 0.
   *
   * @param x the input, batched
   * @param features the number of outputs, at least 1
   * @param initializer how the initial values of the weight are drawn
   * @return a batched node with {@code features} values per sample
   */
  public Node linear(Node x, long features, Initializer initializer) {
    return layer(x, features, initializer, "");
  }

  /**
   * Adds a named linear layer with a weight and a bias of its own. The bias is initially 0.
   *
   * @param x the input, batched
   * @param features the number of outputs, at least 1
   * @param initializer how the initial values of the weight are drawn
   * @param name the name of the layer; its parameters are named {@code name.weight} and {@code
   *     name.bias}
   * @return a batched node with {@code features} values per sample
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
   * Adds a linear layer without a bias, which uses an existing weight.
   *
   * @param x the input, batched, with as many features as the weight has columns
   * @param weight the weight, not batched, [outputs][inputs]
   * @return a batched node with as many features as the weight has rows
   */
  public Node linear(Node x, Node weight) {
    return apply(Op.LINEAR, x, weight);
  }

  /**
   * Adds a linear layer that uses an existing weight and bias.
   *
   * @param x the input, batched, with as many features as the weight has columns
   * @param weight the weight, not batched, [outputs][inputs]
   * @param bias the bias, not batched, [outputs]
   * @return a batched node with as many features as the weight has rows
   */
  public Node linear(Node x, Node weight, Node bias) {
    return apply(Op.LINEAR, x, weight, bias);
  }

  /**
   * Adds a linear layer without a bias, which multiplies by the transpose of an existing weight.
   *
   * @param x the input, batched, with as many features as the weight has rows
   * @param weight the weight, not batched, [inputs][outputs]
   * @return a batched node with as many features as the weight has columns
   */
  public Node linearTransposed(Node x, Node weight) {
    return apply(Op.LINEAR, 0, 0, 0, true, x, weight);
  }

  /**
   * Adds a linear layer that multiplies by the transpose of an existing weight. An example is a
   * decoder whose weight is tied to that of its encoder.
   *
   * @param x the input, batched, with as many features as the weight has rows
   * @param weight the weight, not batched, [inputs][outputs]
   * @param bias the bias, not batched, [outputs]
   * @return a batched node with as many features as the weight has columns
   */
  public Node linearTransposed(Node x, Node weight, Node bias) {
    return apply(Op.LINEAR, 0, 0, 0, true, x, weight, bias);
  }

  /**
   * Multiplies a weight by {@code x}, which may be data or a matrix.
   *
   * @param x the right factor, with as many rows as the weight has columns
   * @param weight the left factor, not batched
   * @return the product, batched if {@code x} is
   */
  public Node matmul(Node x, Node weight) {
    return apply(Op.MATMUL, x, weight);
  }

  /**
   * Multiplies the transpose of a weight by {@code x}, which may be data or a matrix.
   *
   * @param x the right factor, with as many rows as the weight has rows
   * @param weight the matrix whose transpose is the left factor, not batched
   * @return the product, batched if {@code x} is
   */
  public Node matmulTransposed(Node x, Node weight) {
    return apply(Op.MATMUL, 0, 0, 0, true, x, weight);
  }

  /**
   * Adds {@code a} and {@code b} elementwise.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts; see {@link Graph}
   * @return a node with the larger of the two shapes
   */
  public Node add(Node a, Node b) {
    return apply(Op.ADD, a, b);
  }

  /**
   * Subtracts {@code b} from {@code a} elementwise.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts; see {@link Graph}
   * @return a node with the larger of the two shapes
   */
  public Node subtract(Node a, Node b) {
    return apply(Op.SUBTRACT, a, b);
  }

  /**
   * Multiplies {@code a} and {@code b} elementwise.
   *
   * @param a a node
   * @param b a node of the same shape, or one that broadcasts; see {@link Graph}
   * @return a node with the larger of the two shapes
   */
  public Node multiply(Node a, Node b) {
    return apply(Op.MULTIPLY, a, b);
  }

  /**
   * Multiplies each value by a constant number.
   *
   * @param x a node
   * @param factor the number, finite
   * @return a node with the shape of {@code x}
   */
  public Node scale(Node x, double factor) {
    return apply(Op.SCALE, factor, x);
  }

  /**
   * Changes the sign of each value.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node negate(Node x) {
    return apply(Op.NEGATE, x);
  }

  /**
   * Squares each value.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node square(Node x) {
    return apply(Op.SQUARE, x);
  }

  /**
   * Computes the exponential of each value.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node exp(Node x) {
    return apply(Op.EXP, x);
  }

  /**
   * Computes the natural logarithm of each value: −∞ at 0, NaN for negative values.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node log(Node x) {
    return apply(Op.LOG, x);
  }

  /**
   * Returns the values unchanged.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node identity(Node x) {
    return apply(Op.IDENTITY, x);
  }

  /**
   * Computes the logistic function of each value, 1 / (1 + e⁻ˣ).
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node sigmoid(Node x) {
    return apply(Op.SIGMOID, x);
  }

  /**
   * Computes the hyperbolic tangent of each value.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node tanh(Node x) {
    return apply(Op.TANH, x);
  }

  /**
   * Computes the rectified linear unit of each value: the larger of the value and 0. The derivative
   * at exactly 0 is 1 (in PyTorch it is 0).
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node relu(Node x) {
    return apply(Op.RELU, x);
  }

  /**
   * Computes a leaky ReLU with slope 0.01 below 0.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node leakyRelu(Node x) {
    return apply(Op.LEAKY_RELU, LEAKY_RELU_SLOPE, x);
  }

  /**
   * Computes a leaky ReLU: x for x ≥ 0, slope · x below 0. See A. L. Maas et al., 2013.
   *
   * @param x a node
   * @param slope the slope below 0, positive and finite
   * @return a node with the shape of {@code x}
   */
  public Node leakyRelu(Node x, double slope) {
    return apply(Op.LEAKY_RELU, slope, x);
  }

  /**
   * Computes the exponential linear unit with alpha 1.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node elu(Node x) {
    return apply(Op.ELU, ELU_ALPHA, x);
  }

  /**
   * Computes the exponential linear unit: x for x ≥ 0, alpha · (eˣ − 1) below 0. See D.-A. Clevert
   * et al., 2016.
   *
   * @param x a node
   * @param alpha positive and finite; very negative values approach −alpha
   * @return a node with the shape of {@code x}
   */
  public Node elu(Node x, double alpha) {
    return apply(Op.ELU, alpha, x);
  }

  /**
   * Computes ln(1 + eˣ) of each value, a smooth ReLU.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node softplus(Node x) {
    return apply(Op.SOFTPLUS, x);
  }

  /**
   * Computes the Gaussian error linear unit of each value. See D. Hendrycks, K. Gimpel, 2016.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node gelu(Node x) {
    return apply(Op.GELU, x);
  }

  /**
   * Computes the sigmoid linear unit: each value times its logistic function.
   *
   * @param x a node
   * @return a node with the shape of {@code x}
   */
  public Node silu(Node x) {
    return apply(Op.SILU, x);
  }

  /**
   * Computes probabilities from logits, over the features of each sample.
   *
   * @param x the logits
   * @return a node with the shape of {@code x}
   */
  public Node softmax(Node x) {
    return apply(Op.SOFTMAX, x);
  }

  /**
   * Computes the sum over the features of each sample.
   *
   * @param x a node; if it is not batched, it is treated as one vector of all its values
   * @return one value per sample, or a scalar if {@code x} is not batched
   */
  public Node sum(Node x) {
    return apply(Op.SUM, x);
  }

  /**
   * Computes the mean over the features of each sample.
   *
   * @param x a node; if it is not batched, it is treated as one vector of all its values
   * @return one value per sample, or a scalar if {@code x} is not batched
   */
  public Node mean(Node x) {
    return apply(Op.MEAN, x);
  }

  /**
   * Computes the sum of squares over the features of each sample, ‖x‖².
   *
   * @param x a node; if it is not batched, it is treated as one vector of all its values
   * @return one value per sample, or a scalar if {@code x} is not batched
   */
  public Node squaredNorm(Node x) {
    return apply(Op.SQUARED_NORM, x);
  }

  /**
   * Computes the logarithm of the sum of exponentials over the features of each sample.
   *
   * @param x a node; if it is not batched, it is treated as one vector of all its values
   * @return one value per sample, or a scalar if {@code x} is not batched
   */
  public Node logSumExp(Node x) {
    return apply(Op.LOG_SUM_EXP, x);
  }

  /**
   * Concatenates the features of all parts.
   *
   * @param parts one or more nodes, which are either all batched, or all not batched with the same
   *     number of columns
   * @return a node with as many features as all parts have together
   */
  public Node concat(Node... parts) {
    return apply(Op.CONCAT, parts);
  }

  /**
   * Selects the features from {@code begin} to {@code end - 1}.
   *
   * @param x a node
   * @param begin the first feature, from 0
   * @param end the index after the last feature, above {@code begin}
   * @return a node with {@code end - begin} features
   */
  public Node slice(Node x, long begin, long end) {
    return apply(Op.SLICE, 0, begin, end, false, x);
  }

  /**
   * Computes all monomials of degree 1 and 2. For two features they are x₁, x₂, x₁², x₂², x₁x₂. For
   * n features they are the n of degree 1, then the n squares, then xᵢxⱼ for i &lt; j in
   * lexicographic order.
   *
   * @param x a node with one vector per sample, of at most 524288 features
   * @return a node with 2n + n(n − 1)/2 features
   */
  public Node polynomialFeatures(Node x) {
    return apply(Op.POLYNOMIAL_FEATURES, x);
  }

  /**
   * Computes the mean of each feature over the batch.
   *
   * @param x a batched node
   * @return a node that is not batched, with one value per feature
   */
  public Node batchMean(Node x) {
    return apply(Op.BATCH_MEAN, x);
  }

  /**
   * Computes the cross-entropy between the softmax of logits and a label or a distribution.
   *
   * @param logits one value per class; a softmax node is rejected, because this method applies the
   *     softmax itself
   * @param label a label with the same number of classes, or a target that provides one
   *     distribution per sample; its values must be 0 or more, but their sum need not be 1
   * @return a scalar, the mean over the batch
   */
  public Node softmaxCrossEntropy(Node logits, Node label) {
    return apply(Op.SOFTMAX_CROSS_ENTROPY, logits, label);
  }

  /**
   * Computes the cross-entropy between probabilities and a label or a distribution. {@link
   * #softmaxCrossEntropy} is preferable if logits are available, because it cannot overflow.
   *
   * @param probabilities one value per class; logits (the output of a linear layer) and logarithms
   *     are rejected
   * @param label a label with the same number of classes, or a target that provides one
   *     distribution per sample; its values must be 0 or more, but their sum need not be 1
   * @return a scalar, the mean over the batch
   */
  public Node negativeLogLikelihood(Node probabilities, Node label) {
    return apply(Op.NEGATIVE_LOG_LIKELIHOOD, probabilities, label);
  }

  /**
   * Computes the cross-entropy between the logistic function of logits and targets, as a mean over
   * the outputs.
   *
   * @param logits any number of outputs; a sigmoid node is rejected, because this method applies
   *     the sigmoid itself
   * @param target the same number of values, from 0 to 1; a step rejects other values
   * @return a scalar, the mean over the batch
   */
  public Node binaryCrossEntropy(Node logits, Node target) {
    return apply(Op.BINARY_CROSS_ENTROPY, logits, target);
  }

  /**
   * Computes the squared distance ‖prediction − target‖²: the sum over the outputs, and the mean
   * over the batch.
   *
   * @param prediction any number of outputs
   * @param target the same number of values
   * @return a scalar, the mean over the batch
   */
  public Node squaredError(Node prediction, Node target) {
    return apply(Op.SQUARED_ERROR, prediction, target);
  }

  /**
   * Computes the squared distance divided by the number of outputs.
   *
   * @param prediction any number of outputs
   * @param target the same number of values
   * @return a scalar, the mean over the batch
   */
  public Node meanSquaredError(Node prediction, Node target) {
    return apply(Op.MEAN_SQUARED_ERROR, prediction, target);
  }

  /**
   * Computes Huber's loss of the differences e = prediction − target: e²/2 where |e| ≤ delta, delta
   * · (|e| − delta/2) elsewhere. It is a mean over the outputs and the batch. See P. J. Huber,
   * 1964.
   *
   * @param prediction any number of outputs
   * @param target the same number of values
   * @param delta positive and finite
   * @return a scalar, the mean over the batch
   */
  public Node huber(Node prediction, Node target, double delta) {
    return apply(Op.HUBER, delta, prediction, target);
  }

  /**
   * Applies a user-defined elementwise operation.
   *
   * @param x a node
   * @param operation the name under which the operation is registered; see {@link
   *     CustomOperation#register}
   * @return a node with the shape of {@code x}
   */
  public synchronized Node custom(Node x, String operation) {
    Check.name(operation, "custom");
    int input = id(x, "custom");
    return make("custom", () -> handle.custom(operation, input));
  }

  /**
   * Returns all nodes in the order in which they were added. A node's inputs precede it.
   *
   * @return an unmodifiable copy
   */
  public synchronized List<Node> nodes() {
    return List.copyOf(nodes);
  }

  /**
   * Returns the node with a name.
   *
   * @param name the name of a node
   * @return the node
   * @throws IllegalArgumentException if the graph has no such node
   */
  public synchronized Node node(String name) {
    Node node = byName.get(Check.notNull(name, "node", "name"));
    Check.that(node != null, "node", "the graph has no node named ", name);
    return node;
  }

  /** {@return one line per node, with its name, operation, shape and inputs} */
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

  /**
   * Adds a row-wise operation with a weight and a bias of its own. An empty name means the default
   * name.
   */
  synchronized Node applyWithParameters(Op op, double constant, Node x, String name) {
    int input = id(x, op.methodName());
    return make(op.methodName(), () -> handle.rowwise(op.ordinal(), name, input, constant));
  }

  /** Adds a node. Attributes that the operation does not have are ignored. */
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
          "named: cannot rename "
              + node
              + ", because the data and files of a model use its name; name all nodes before"
              + " Model.create");
    }
    for (Node input : node.inputs()) {
      boolean follows =
          input.name().equals(node.name() + ".weight")
              || input.name().equals(node.name() + ".bias");
      if (follows && input.op() == Op.PARAMETER && input.id() < inModels) {
        throw new IllegalStateException(
            "named: "
                + input
                + " would be renamed together with "
                + node
                + ", but the data and files of a model use its name");
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

  /** Creates a native model from the current state of this graph. */
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
    Check.that(
        node.graph() == this,
        operation,
        "expected a node of this graph, but got one of another graph: ",
        node);
    return node.id();
  }

  /**
   * Runs {@code maker}, which adds one or more native nodes and returns the number of the last one.
   * Creates the Java nodes for all of them and returns the last.
   */
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

  /** Creates the Java node of a native node. */
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
