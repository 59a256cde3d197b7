package org.chainrule;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.binding.NativeGradients;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of a loss, and numbers about each node, on a batch. Nothing is changed: it needs no
 * optimizer, and a training goes on to the same bits as without. A model without parameters will
 * do: the gradient of an input tells which of its values the loss depends on most (saliency).
 *
 * <pre>{@code
 * try (Gradients gradients = Gradients.of(model, loss)) {
 *   double value = gradients.compute(batch);
 *   float[] byWeight = gradients.getFloats(weight);
 *   float[] byInput = gradients.getFloats(x);
 * }
 * }</pre>
 *
 * <p>The gradients are those of the parameters of the moment, with the bits of a training step. One
 * thread at a time; others wait. To be closed.
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
   * For the gradients of a loss.
   *
   * @param model whose parameters and nodes
   * @param loss a scalar that a parameter or an input reaches
   * @return gradients, to be closed
   */
  public static Gradients of(Model model, Node loss) {
    return new Gradients(Check.notNull(model, "Gradients", "model"), loss);
  }

  /**
   * Chooses the training step: operations that are random in training see the numbers of the step
   * that comes after so many. Without this call it is the first one.
   *
   * @param steps what {@link Trainer#steps} gives, 0 or more
   * @return this
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
   * Forward and backward, for {@link #getFloats} and {@link #getDoubles}.
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
   * The gradient of the mean loss that the last {@link #compute} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return as many values as the node has, zeros if the loss does not depend on it; rounded if the
   *     model is of doubles
   * @throws IllegalStateException if there was none
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
   * The gradient of the mean loss that the last {@link #compute} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return as many values as the node has, zeros if the loss does not depend on it
   * @throws IllegalStateException if there was none
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
   * What a batch makes of each node: whether values are dead, deltas vanish or gradients explode.
   * Forward and backward; what {@link #compute} computed before stays.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return one entry for each node that the loss depends on, in the order of the graph
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
   * How large the gradient of each parameter is on a batch.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return for each parameter that the loss depends on, in the order of the graph, the root of the
   *     sum of the squares of its gradient
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
   * The native memory that this and its model hold now.
   *
   * @return bytes by purpose
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

  /** Ends a call; {@code used} was read in place. */
  private void end(@Nullable Object used) {
    Reference.reachabilityFence(used);
    model.exit();
    exit();
  }
}
