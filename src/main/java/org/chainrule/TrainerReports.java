package org.chainrule;

import java.lang.ref.Reference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.binding.NativeTrainer;

/** What a trainer tells about a training, and how a call on it begins and ends. */
abstract class TrainerReports extends NativeObject {
  final Model model;
  final NativeTrainer handle;
  final Inputs inputs;
  final SingleCaller caller = new SingleCaller("trainer");
  private int gradientSamples;

  TrainerReports(Model model, NativeTrainer handle) {
    super("trainer");
    this.model = model;
    this.handle = handle;
    own(() -> NativeTrainer.destroy(handle));
    boolean[] needed = model.nodes().ancestors(List.of(model.nodes().all().get(handle.loss())));
    inputs = new Inputs(handle.inputs(), model.nodes().data(), needed, model.dataType());
  }

  /**
   * Forward and backward without an update, for {@link #gradient}. It changes nothing: training
   * goes on to the same bits as without.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the mean loss over the batch
   */
  public double gradients(Batch batch) {
    begin("gradients");
    try {
      gradientSamples = 0;
      double loss = handle.gradients(fill("gradients", batch));
      gradientSamples = batch.size();
      return loss;
    } finally {
      end(batch);
    }
  }

  /**
   * The gradient of the mean loss that the last {@link #gradients} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return as many values as the node has; zeros if the loss does not depend on it
   * @throws IllegalStateException if there was none
   */
  public float[] gradient(Node node) {
    begin("gradient");
    try {
      float[] values = new float[gradientSize("gradient", node)];
      handle.read_gradient(node.id(), values, values.length);
      return values;
    } finally {
      end(null);
    }
  }

  /**
   * The gradient of the mean loss that the last {@link #gradients} computed.
   *
   * @param node a parameter ([out][in] for a weight) or an input ([sample][feature])
   * @return as many values as the node has; zeros if the loss does not depend on it
   * @throws IllegalStateException if there was none
   */
  public double[] gradientDoubles(Node node) {
    begin("gradientDoubles");
    try {
      double[] values = new double[gradientSize("gradientDoubles", node)];
      handle.read_gradient(node.id(), values, values.length);
      return values;
    } finally {
      end(null);
    }
  }

  /**
   * What a batch makes of each node: whether values are dead, deltas vanish or gradients explode.
   * Forward and backward, without an update.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return one entry for each node that the loss depends on, in the order of the graph
   */
  public List<NodeStatistics> statistics(Batch batch) {
    begin("statistics");
    try {
      int columns = NativeTrainer.statistics_columns();
      double[] table = new double[model.nodes().all().size() * columns];
      handle.statistics(fill("statistics", batch), table, table.length);
      return NodeStatistics.ofTable(model.nodes().all(), table, columns);
    } finally {
      end(batch);
    }
  }

  /**
   * How large the gradient of each parameter is on a batch. Forward and backward, without an
   * update; training costs nothing more for it.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return for each parameter that the loss depends on, in the order of the graph, the root of the
   *     sum of the squares of its gradient
   */
  public Map<Node, Double> gradientNorms(Batch batch) {
    Map<Node, Double> norms = new LinkedHashMap<>();
    for (NodeStatistics s : statistics(batch)) {
      if (s.node().op() == Op.PARAMETER) {
        norms.put(s.node(), s.gradientNorm());
      }
    }
    return norms;
  }

  private int gradientSize(String operation, Node node) {
    model.nodes().id(operation, node);
    Check.that(
        node.op() == Op.PARAMETER || node.op() == Op.INPUT,
        operation,
        "expected a parameter or an input, but came ",
        node);
    if (gradientSamples == 0) {
      throw new IllegalStateException(operation + ": call gradients(batch) first");
    }
    return Check.size(operation, node.features(), node.isBatched() ? gradientSamples : 1);
  }

  /**
   * The native memory that this trainer and its model hold now.
   *
   * @return bytes by purpose
   */
  public MemoryReport memory() {
    begin("memory");
    try {
      long[] bytes = new long[MemoryReport.PARTS];
      handle.memory(bytes, bytes.length);
      return MemoryReport.of(bytes);
    } finally {
      end(null);
    }
  }

  /**
   * Parameters that do not reach the loss: training leaves them as they are.
   *
   * @return an unmodifiable list, empty if all is well
   */
  public List<Node> unusedParameters() {
    begin("unusedParameters");
    try {
      return model.parameters().stream().filter(node -> !handle.trains(node.id())).toList();
    } finally {
      end(null);
    }
  }

  /**
   * The phases of a step with their floating-point operations and bytes, and what was fused.
   *
   * @param batchSize samples a step
   * @return some lines of text
   */
  public String plan(int batchSize) {
    Check.that(batchSize >= 1, "plan", "expected a batch size of 1 or more, but came ", batchSize);
    begin("plan");
    try {
      return handle.plan(batchSize);
    } finally {
      end(null);
    }
  }

  /**
   * Makes training steps and times the phases of each.
   *
   * @param batch values for all data nodes that the loss depends on
   * @param steps how many, 1 or more; they train the model
   * @return {@link #plan} with the mean time of each phase, GFLOP/s and GB/s, and how the step
   *     compares with its matrix products alone
   * @throws ChainruleException if the loss is not finite; nothing is changed by that step
   */
  public String profile(Batch batch, int steps) {
    Check.that(steps >= 1, "profile", "expected 1 step or more, but came ", steps);
    begin("profile");
    try {
      return handle.profile(fill("profile", batch), steps);
    } finally {
      end(batch);
    }
  }

  /** Takes the batch in; returns its size. */
  final int fill(String operation, Batch batch) {
    inputs.fill(operation, Check.notNull(batch, operation, "batch"));
    return batch.size();
  }

  /** Begins a call: this thread owns the trainer, and neither it nor the model can be closed. */
  final void begin(String operation) {
    caller.acquire(operation);
    try {
      enter(operation);
      try {
        model.enter(operation);
      } catch (RuntimeException e) {
        exit();
        throw e;
      }
    } catch (RuntimeException e) {
      caller.release();
      throw e;
    }
  }

  /** Ends a call; {@code used} was read in place. */
  final void end(Object used) {
    Reference.reachabilityFence(used);
    model.exit();
    exit();
    caller.release();
  }
}
