package org.chainrule;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.binding.NativeGradients;
import org.jspecify.annotations.Nullable;

/**
 * Computes the gradients of a loss on a batch, and statistics of each node. Needs no optimizer and
 * changes nothing: training continues with the same bits as without this object. The model may have
 * no parameters. The gradient of an input shows which of its values the loss depends on most
 * (saliency).
 *
 * <pre>{@code
 * try (Gradients gradients = Gradients.of(model, loss)) {
 *   double value = gradients.compute(batch);
 *   float[] byWeight = gradients.getFloats(weight);
 *   float[] byInput = gradients.getFloats(x);
 * }
 * }</pre>
 *
 * <p>The gradients are computed with the current parameters and have the same bits as those of a
 * training step. Thread-safe: one thread at a time computes and other threads wait. The caller must
 * close the object.
 */
public final class Gradients extends NativeObject {
  private final Model model;
  private final NativeGradients handle;
  private final Inputs inputs;
  private int samples;

  private Gradients(Model model, Node loss) {
    super("gradients object");
    this.model = model;
    int id = model.nodes().id("Gradients", loss);
    model.enter("Gradients");
    try {
      handle = NativeGradients.create(model.handle(), id);
    } finally {
      model.exit();
    }
    own(() -> NativeGradients.destroy(handle));
    inputs = new Inputs(handle.inputs(), model.nodes().data(), model.dataType());
  }

  /**
   * Creates an object that computes the gradients of a loss.
   *
   * @param model the model that contains the loss
   * @param loss a scalar that depends on a parameter or an input
   * @return the object, which the caller must close
   */
  public static Gradients of(Model model, Node loss) {
    return new Gradients(Check.notNull(model, "Gradients", "model"), loss);
  }

  /**
   * Selects the training step whose random numbers are used by operations that are random in
   * training, such as dropout: the step after {@code steps} steps. The default is the first step.
   *
   * @param steps the value of {@link Trainer#steps}, at least 0
   * @return this object
   */
  public synchronized Gradients stepsBefore(long steps) {
    begin("stepsBefore");
    try {
      handle.set_steps_before(steps);
      return this;
    } finally {
      end(null);
    }
  }

  /**
   * Runs the forward and the backward pass. {@link #getFloats} and {@link #getDoubles} return the
   * gradients.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the mean loss over the batch
   * @throws ChainruleException if the loss is not finite
   */
  public synchronized double compute(Batch batch) {
    begin("compute");
    try {
      samples = 0;
      double loss = handle.compute(fill("compute", batch));
      samples = batch.size();
      return loss;
    } finally {
      end(batch);
    }
  }

  /**
   * Returns the gradient of the mean loss that the last {@link #compute} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return one derivative per value of the node, all 0 if the loss does not depend on it; rounded
   *     to {@code float} if the model has type {@code double}
   * @throws IllegalStateException if {@link #compute} was not called or its last call failed
   */
  public synchronized float[] getFloats(Node node) {
    begin("getFloats");
    try {
      float[] values = new float[size("getFloats", node)];
      handle.read(node.id(), values, values.length);
      return values;
    } finally {
      end(null);
    }
  }

  /**
   * Returns the gradient of the mean loss that the last {@link #compute} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return one derivative per value of the node, all 0 if the loss does not depend on it
   * @throws IllegalStateException if {@link #compute} was not called or its last call failed
   */
  public synchronized double[] getDoubles(Node node) {
    begin("getDoubles");
    try {
      double[] values = new double[size("getDoubles", node)];
      handle.read(node.id(), values, values.length);
      return values;
    } finally {
      end(null);
    }
  }

  /**
   * Returns statistics of each node on a batch. They show dead values, vanishing deltas and
   * exploding gradients. This runs a forward and a backward pass, and keeps the gradients that
   * {@link #compute} computed before.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return one entry per node that the loss depends on, in the order of the graph
   */
  public synchronized List<NodeStatistics> statistics(Batch batch) {
    begin("statistics");
    try {
      int count = handle.statistics(fill("statistics", batch));
      List<NodeStatistics> all = new ArrayList<>(count);
      for (int i = 0; i < count; ++i) {
        all.add(NodeStatistics.of(model.nodes().all(), handle.statistic(i)));
      }
      return List.copyOf(all);
    } finally {
      end(batch);
    }
  }

  /**
   * Returns the norm of each parameter's gradient on a batch.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return for each parameter that the loss depends on, in the order of the graph, the square root
   *     of the sum of the squares of its gradient
   */
  public Map<Node, Double> norms(Batch batch) {
    Map<Node, Double> norms = new LinkedHashMap<>();
    for (NodeStatistics s : statistics(batch)) {
      if (s.node().op() == Op.PARAMETER) {
        norms.put(s.node(), s.gradientNorm());
      }
    }
    return norms;
  }

  /**
   * Returns the native memory that this object and its model hold now.
   *
   * @return the amounts in bytes by purpose
   */
  public synchronized MemoryReport memory() {
    begin("memory");
    try {
      return MemoryReport.of(handle.memory());
    } finally {
      end(null);
    }
  }

  private int size(String operation, Node node) {
    model.nodes().id(operation, node);
    Check.that(
        node.op() == Op.PARAMETER || node.op() == Op.INPUT,
        operation,
        "expected a parameter or an input, but got ",
        node);
    if (samples == 0) {
      throw new IllegalStateException(
          operation + ": no gradients have been computed; call compute(batch) first");
    }
    return Check.size(operation, node.features(), node.isBatched() ? samples : 1);
  }

  private int fill(String operation, Batch batch) {
    inputs.fill(operation, Check.notNull(batch, operation, "batch"));
    return batch.size();
  }

  private void begin(String operation) {
    enter(operation);
    try {
      model.enter(operation);
    } catch (RuntimeException e) {
      exit();
      throw e;
    }
  }

  /** Ends a call, and keeps {@code used} reachable until here: native code reads it in place. */
  private void end(@Nullable Object used) {
    Reference.reachabilityFence(used);
    model.exit();
    exit();
  }
}
