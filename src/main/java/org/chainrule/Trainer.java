package org.chainrule;

import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.chainrule.binding.NativeOptimizer;
import org.chainrule.binding.NativeTrainer;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model on a loss. One thread at a time: a second one gets an {@link
 * IllegalStateException}. A batch that is refused, or whose loss is not finite, changes nothing.
 *
 * <p>{@link #step} and {@link #evaluate} allocate nothing once they have seen a batch of the size,
 * and are one native call each.
 *
 * <p>{@link #close} waits for a running step; a {@code fit} in another thread ends with an {@link
 * IllegalStateException} after its current slice of 50 ms. Closing a trainer from within its own
 * {@code fit} is an {@link IllegalStateException}. The model is not closed, unless {@link
 * #resume(Path)} loaded it.
 */
public final class Trainer extends NativeObject {
  private final Model model;
  private final NativeTrainer handle;
  private final Node loss;
  private final Inputs inputs;
  private final SingleCaller caller = new SingleCaller("trainer");
  private final boolean ownsModel;
  private final FitLoop loop;
  private @Nullable Gradients gradients;

  Trainer(Model model, Node loss, Optimizer optimizer) {
    this(model, createNative(model, loss, optimizer), false);
  }

  private Trainer(Model model, NativeTrainer handle, boolean ownsModel) {
    super("trainer");
    this.model = model;
    this.handle = handle;
    this.ownsModel = ownsModel;
    own(() -> NativeTrainer.destroy(handle));
    loss = model.nodes().all().get(handle.loss());
    inputs = new Inputs(handle.inputs(), model.nodes().data(), model.dataType());
    loop = new FitLoop(this, handle, inputs);
    handle.checking(Chainrule.checking());
  }

  private static NativeTrainer createNative(Model model, Node loss, Optimizer optimizer) {
    int id = model.nodes().id("trainer", loss);
    Check.notNull(optimizer, "trainer", "optimizer");
    model.enter("trainer");
    try {
      NativeOptimizer settings = NativeOptimizer.create(optimizer.name());
      try {
        optimizer.settings().forEach(settings::set);
        return NativeTrainer.create(model.handle(), id, settings);
      } finally {
        NativeOptimizer.destroy(settings);
      }
    } finally {
      model.exit();
    }
  }

  /**
   * Goes on with what {@link #save} wrote: optimizer, step count and place in the epoch.
   *
   * @param model loaded from the same file by {@link Model#load}
   * @param file written by {@link #save}
   * @return a trainer, to be closed
   * @throws ChainruleException if the file cannot be read, or holds no training
   */
  public static Trainer resume(Model model, Path file) {
    return resume(model, file, false);
  }

  /**
   * Goes on with what {@link #save} wrote, with a model from the same file.
   *
   * @param file written by {@link #save}
   * @return a trainer, to be closed; its {@link #model()} is closed with it
   * @throws ChainruleException if the file cannot be read, or holds no training
   */
  public static Trainer resume(Path file) {
    return resume(file, Device.cpu());
  }

  /**
   * Goes on with what {@link #save} wrote, with a model from the same file on a device, which need
   * not be the one where it was saved.
   *
   * @param file written by {@link #save}
   * @param device where the model shall live
   * @return a trainer, to be closed; its {@link #model()} is closed with it
   * @throws ChainruleException if the file cannot be read, or holds no training
   */
  public static Trainer resume(Path file, Device device) {
    Model model = Model.load(file, device);
    try {
      return resume(model, file, true);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static Trainer resume(Model model, Path file, boolean ownsModel) {
    Check.notNull(model, "resume", "model");
    Check.notNull(file, "resume", "file");
    model.enter("resume");
    try {
      return new Trainer(model, NativeTrainer.load(model.handle(), file.toString()), ownsModel);
    } finally {
      model.exit();
    }
  }

  /**
   * What is trained.
   *
   * @return the model
   */
  public Model model() {
    return model;
  }

  /**
   * Forward, backward, update.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the mean loss over the batch, before the update
   * @throws IllegalArgumentException if the batch does not fit; nothing is changed
   * @throws ChainruleException if the loss is not finite; nothing is changed. Where the batch holds
   *     NaN or an infinite value, the message names the node, the sample and the feature, counted
   *     from 0; where it does not, {@link #checking} finds the node where it begins
   */
  public double step(Batch batch) {
    begin("step");
    try {
      return handle.step(fill("step", batch));
    } finally {
      end(batch);
    }
  }

  /**
   * The loss alone; nothing is changed.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the mean loss over the batch; it need not be finite
   * @throws ChainruleException if the loss is not finite because the batch holds NaN or an infinite
   *     value; the message names the node, the sample and the feature, counted from 0
   */
  public double evaluate(Batch batch) {
    begin("evaluate");
    try {
      return handle.evaluate(fill("evaluate", batch));
    } finally {
      end(batch);
    }
  }

  /**
   * Stops at the first number that is not finite, and says where it is. While this is on, {@link
   * #step} and {@code fit} compute the value and the delta of every node first, in a plan of their
   * own, which takes about as long again and memory for all of them; then they train as always, to
   * the same bits, and look at parameters and optimizer state. The {@link ChainruleException} names
   * the pass (forward, backward or update), the node, the row and the feature or column, counted
   * from 0, and in {@code fit} the example. Parameters and state are then what they were before the
   * step, also if it is the update that failed.
   *
   * <p>Off by default, unless the system property {@code org.chainrule.checking} is {@code true}.
   *
   * @param on whether to check
   * @return this trainer
   */
  public Trainer checking(boolean on) {
    begin("checking");
    try {
      handle.checking(on);
      return this;
    } finally {
      end(null);
    }
  }

  /**
   * Trains for some epochs; the last batch of an epoch may be short and is trained too. An epoch
   * that a stop, an exception or a resume left unfinished is finished first and counts as one.
   *
   * @param dataset columns for all data nodes that the loss depends on
   * @param batchSize samples a step
   * @param epochs how many more, 1 or more
   * @return where training was at the end
   * @throws FitInterruptedException if the thread is interrupted
   */
  public Progress fit(Dataset dataset, int batchSize, int epochs) {
    Check.that(epochs >= 1, "fit", "expected 1 epoch or more, but got ", epochs);
    return fit(dataset, batchSize, epochs, Long.MAX_VALUE);
  }

  /**
   * Trains for some steps, going on in the middle of an epoch.
   *
   * @param dataset columns for all data nodes that the loss depends on
   * @param batchSize samples a step
   * @param steps how many, 1 or more
   * @return where training was at the end
   * @throws FitInterruptedException if the thread is interrupted
   */
  public Progress fitSteps(Dataset dataset, int batchSize, long steps) {
    Check.that(steps >= 1, "fitSteps", "expected 1 step or more, but got ", steps);
    return fit(dataset, batchSize, 0, steps);
  }

  private Progress fit(Dataset dataset, int batchSize, int epochs, long steps) {
    Check.notNull(dataset, "fit", "data set");
    Check.that(batchSize >= 1, "fit", "expected a batch size of 1 or more, but got ", batchSize);
    caller.acquire("fit");
    try {
      return loop.run(dataset, batchSize, epochs, steps);
    } finally {
      caller.release();
    }
  }

  /**
   * Ends a running {@code fit} after its current slice, within about 50 ms. Any thread may call
   * this; without a running {@code fit} it does nothing.
   */
  public void stop() {
    loop.stop();
  }

  /**
   * Sets who hears how {@code fit} goes on.
   *
   * @param listener null for none
   * @return this trainer
   */
  public Trainer listener(@Nullable FitListener listener) {
    loop.listener(listener);
    return this;
  }

  /**
   * Shuffles the examples anew in each epoch, by the model's seed, or takes them in order. On by
   * default.
   *
   * @param on whether to shuffle
   * @return this trainer
   * @throws IllegalArgumentException in the middle of an epoch
   */
  public Trainer shuffle(boolean on) {
    return shuffle(on, model.seed());
  }

  /**
   * Shuffles the examples anew in each epoch, by this seed.
   *
   * @param seed any number
   * @return this trainer
   * @throws IllegalArgumentException in the middle of an epoch
   */
  public Trainer shuffle(long seed) {
    return shuffle(true, seed);
  }

  private Trainer shuffle(boolean on, long seed) {
    begin("shuffle");
    try {
      handle.shuffle(on, seed);
      return this;
    } finally {
      end(null);
    }
  }

  /**
   * The learning rate of the next step.
   *
   * @return 0 or more
   */
  public double learningRate() {
    begin("learningRate");
    try {
      return handle.learning_rate();
    } finally {
      end(null);
    }
  }

  /**
   * Sets the learning rate of the steps to come.
   *
   * @param rate 0 or more and finite
   * @return this trainer
   */
  public Trainer learningRate(double rate) {
    Check.that(
        rate >= 0 && Double.isFinite(rate),
        "learningRate",
        "the learning rate must be 0 or more and finite, but is ",
        rate);
    begin("learningRate");
    try {
      handle.set_learning_rate(rate);
      return this;
    } finally {
      end(null);
    }
  }

  /**
   * How many updates have been made, before a resume included.
   *
   * @return 0 or more
   */
  public long steps() {
    begin("steps");
    try {
      return handle.steps();
    } finally {
      end(null);
    }
  }

  /**
   * How many epochs {@code fit} has completed, before a resume included.
   *
   * @return 0 or more
   */
  public long epoch() {
    begin("epoch");
    try {
      return handle.epoch();
    } finally {
      end(null);
    }
  }

  /**
   * Writes the model and all that {@link #resume(Path)} needs into one file, as {@link Model#save}
   * does.
   *
   * @param file where; an old file is replaced
   * @throws ChainruleException if the file cannot be written
   */
  public void save(Path file) {
    Check.notNull(file, "save", "file");
    begin("save");
    try {
      handle.save(file.toString());
    } finally {
      end(null);
    }
  }

  /**
   * What {@link Gradients#compute} does.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the mean loss over the batch
   * @deprecated gradients need no optimizer: use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public double gradients(Batch batch) {
    return withGradients("gradients", tool -> tool.compute(batch));
  }

  /**
   * What {@link Gradients#getFloats} gives.
   *
   * @param node a parameter or an input
   * @return as many values as the node has
   * @throws IllegalStateException if no gradients were computed
   * @deprecated gradients need no optimizer: use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public float[] gradient(Node node) {
    return withGradients("gradient", tool -> tool.getFloats(node));
  }

  /**
   * What {@link Gradients#getDoubles} gives.
   *
   * @param node a parameter or an input
   * @return as many values as the node has
   * @throws IllegalStateException if no gradients were computed
   * @deprecated gradients need no optimizer: use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public double[] gradientDoubles(Node node) {
    return withGradients("gradientDoubles", tool -> tool.getDoubles(node));
  }

  /**
   * What {@link Gradients#statistics} gives.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return one entry for each node that the loss depends on, in the order of the graph
   * @deprecated statistics need no optimizer: use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public List<NodeStatistics> statistics(Batch batch) {
    return withGradients("statistics", tool -> tool.statistics(batch));
  }

  /**
   * What {@link Gradients#norms} gives.
   *
   * @param batch values for all data nodes that the loss depends on
   * @return the norm of each parameter's gradient, in the order of the graph
   * @deprecated gradients need no optimizer: use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public Map<Node, Double> gradientNorms(Batch batch) {
    return withGradients("gradientNorms", tool -> tool.norms(batch));
  }

  private <R> R withGradients(String operation, Function<Gradients, R> use) {
    begin(operation);
    try {
      if (gradients == null) {
        gradients = Gradients.of(model, loss);
      }
      return use.apply(gradients.stepsBefore(handle.steps()));
    } finally {
      end(null);
    }
  }

  /**
   * The native memory that this trainer and its model hold now; {@link Gradients#memory} has that
   * of the gradients.
   *
   * @return bytes by purpose
   */
  public MemoryReport memory() {
    begin("memory");
    try {
      return MemoryReport.of(handle.memory());
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
    Check.that(batchSize >= 1, "plan", "expected a batch size of 1 or more, but got ", batchSize);
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
    Check.that(steps >= 1, "profile", "expected 1 step or more, but got ", steps);
    begin("profile");
    try {
      return handle.profile(fill("profile", batch), steps);
    } finally {
      end(batch);
    }
  }

  /** Takes the batch in; returns its size. */
  int fill(String operation, Batch batch) {
    inputs.fill(operation, Check.notNull(batch, operation, "batch"));
    return batch.size();
  }

  /** Begins a call: this thread owns the trainer, and neither it nor the model can be closed. */
  void begin(String operation) {
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
  void end(@Nullable Object used) {
    Reference.reachabilityFence(used);
    model.exit();
    exit();
    caller.release();
  }

  @Override
  public void close() {
    if (caller.isMine()) {
      throw new IllegalStateException(
          "close: this trainer is in fit, in this very thread; call stop() and close it"
              + " afterwards");
    }
    super.close();
    if (gradients != null) {
      gradients.close();
    }
    if (ownsModel) {
      model.close();
    }
  }

  /** {@return the loss and the model that is trained} */
  @Override
  public String toString() {
    return "trainer of " + loss + " in a " + model.summary();
  }
}
