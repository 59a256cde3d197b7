package org.chainrule;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import org.chainrule.binding.NativeGraph;
import org.chainrule.binding.NativeModel;

/**
 * A computation graph: what is computed from what. Building computes nothing; a shape that does not
 * fit is refused when the node is made.
 *
 * <p>A node may be named: {@code graph.name("hidden").linear(x, 128)} names the next node that is
 * made, here {@code hidden}, and its parameters {@code hidden.weight} and {@code hidden.bias}.
 *
 * <p>A node that is not batched <em>broadcasts</em> over the batch in {@link #add}, {@link
 * #subtract} and {@link #multiply}: one value a feature, or a scalar for all. A batched node of one
 * feature broadcasts over the features: one value a sample. The gradient of what is shared, by
 * samples, features or several nodes, is the sum.
 *
 * <p>Every method that makes a node throws an {@link IllegalArgumentException} that names the node,
 * what was expected and what came, and an {@link IllegalStateException} after {@link #close}. One
 * thread at a time should build; others wait. A model keeps its own copy: closing the graph, which
 * only ends building, does not touch it.
 */
public final class Graph extends GraphLosses {
  private final NativeGraph handle;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> byName = new HashMap<>();
  private String nextName = "";

  /** An empty graph. */
  public Graph() {
    this(createNative());
  }

  /** Takes over a native graph. */
  Graph(NativeGraph handle) {
    this.handle = handle;
    own(() -> NativeGraph.destroy(handle));
    for (int id = 0; id < handle.size(); ++id) {
      adopt(id);
    }
  }

  private static NativeGraph createNative() {
    Chainrule.load();
    return NativeGraph.create();
  }

  /**
   * Names the node that is made next.
   *
   * @param name not empty, not yet a node's name
   * @return this graph
   */
  public synchronized Graph name(String name) {
    nextName = Check.name(name, "name");
    return this;
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
    boolean fits =
        rows <= values.length && columns <= values.length && rows * columns == values.length;
    if (rows > 0 && columns > 0 && !fits) {
      throw new IllegalArgumentException(
          "constant '"
              + name
              + "': expected "
              + rows
              + " x "
              + columns
              + " values, but "
              + values.length
              + " came");
    }
    return make("constant", () -> handle.constant(name, rows, columns, values));
  }

  /**
   * A number that never changes.
   *
   * @param value finite
   * @return a scalar, which broadcasts to every shape
   */
  public synchronized Node constant(double value) {
    String name = nextName;
    return make("constant", () -> handle.constant(name, 1, 1, new double[] {value}));
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
    return linear(x, features, Initializer.glorotUniform());
  }

  /**
   * A linear layer with a weight and a bias of its own; the bias is 0 at first.
   *
   * @param x batched
   * @param features outputs
   * @param initializer how the weight's first values are drawn
   * @return a batched node of {@code features} values a sample
   */
  public synchronized Node linear(Node x, long features, Initializer initializer) {
    // where the node will stand, after its weight and bias: its name if none is given
    String name = nextName.isEmpty() ? "linear_" + (nodes.size() + 2) : nextName;
    nextName = "";
    Check.notNull(initializer, "linear '" + name + "'", "initializer");
    Check.notNull(x, "linear '" + name + "'", "input");
    // all that could fail later is refused here, so that no parameter is left without its layer
    Check.that(
        x.isBatched() && x.op() != Op.LABEL,
        "linear '" + name + "'",
        "expected data, but came ",
        x);
    for (String part : new String[] {name, name + ".weight", name + ".bias"}) {
      Check.that(
          !byName.containsKey(part),
          "linear '" + name + "'",
          "there is already a node ",
          byName.get(part));
    }
    id(x, "linear");
    Node weight = parameter(name + ".weight", features, x.rows(), initializer);
    Node bias = parameter(name + ".bias", features, Initializer.zeros());
    return name(name).linear(x, weight, bias);
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
    String name = nextName;
    int input = id(x, "custom");
    return make("custom", () -> handle.custom(name, operation, input));
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

  @Override
  synchronized Node apply(
      Op op, double constant, long begin, long end, boolean transposed, Node... inputs) {
    String name = nextName;
    nextName = "";
    int[] ids = new int[Check.notNull(inputs, op.methodName(), "list of inputs").length];
    for (int i = 0; i < ids.length; ++i) {
      ids[i] = id(inputs[i], op.methodName());
    }
    return make(
        op.methodName(),
        () -> handle.add(op.ordinal(), name, ids, ids.length, constant, begin, end, transposed));
  }

  /** A native model of this graph as it is now. */
  synchronized NativeModel createModel(DataType type, long seed, Device device) {
    enter("create");
    try {
      return NativeModel.create(handle, type == DataType.DOUBLE, seed, device.number());
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

  private Node make(String operation, IntSupplier maker) {
    nextName = "";
    enter(operation);
    try {
      return adopt(maker.getAsInt());
    } finally {
      exit();
    }
  }

  /** The Java side of a native node. */
  private Node adopt(int id) {
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
            new Node.Attributes(
                handle.attribute(id), handle.begin(id), handle.end(id), handle.transposed(id)));
    nodes.add(node);
    byName.put(node.name(), node);
    return node;
  }
}
