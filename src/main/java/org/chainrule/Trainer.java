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
 * Trains a model on a loss. A batch that is rejected, or whose loss is not finite, changes nothing.
 *
 * <p>Not thread-safe: only one thread at a time may use a trainer. A call from a second thread
 * throws {@link IllegalStateException}. However, any thread may call {@link #stop}, {@link
 * #listener} and {@link #close} at any time.
 *
 * <p>{@link #step} and {@link #evaluate} are one native call each. They allocate nothing after the
 * first batch of the same size.
 *
 * <p>{@link #close} waits for a running step. A {@code fit} that is running in another thread ends
 * with an {@link IllegalStateException} after its current slice of 50 ms. Closing a trainer from
 * within its own {@code fit} throws {@link IllegalStateException}. The model is not closed, unless
 * {@link #resume(Path)} loaded it.
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
   * Resumes a training from a file that {@link #save} wrote. Restores the optimizer, the step count
   * and the position within the epoch.
   *
   * @param model a model that {@link Model#load} loaded from the same file
   * @param file a file that {@link #save} wrote
   * @return a trainer, which the caller must close
   * @throws ChainruleException if the file cannot be read or contains no training
   */
  public static Trainer resume(Model model, Path file) {
    return resume(model, file, false);
  }

  /**
   * Resumes a training from a file that {@link #save} wrote. Loads the model from the same file
   * onto the CPU.
   *
   * @param file a file that {@link #save} wrote
   * @return a trainer, which the caller must close; its {@link #model()} is closed with it
   * @throws ChainruleException if the file cannot be read or contains no training
   */
  public static Trainer resume(Path file) {
    return resume(file, Device.cpu());
  }

  /**
   * Resumes a training from a file that {@link #save} wrote. Loads the model from the same file
   * onto a device, which may differ from the one on which it was saved.
   *
   * @param file a file that {@link #save} wrote
   * @param device the device that stores the model and computes with it
   * @return a trainer, which the caller must close; its {@link #model()} is closed with it
   * @throws ChainruleException if the file cannot be read or contains no training
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
   * Returns the model that is trained.
   *
   * @return the model
   */
  public Model model() {
    return model;
  }

  /**
   * Runs one training step: forward, backward and update.
   *
   * @param batch values for all data nodes on which the loss depends
   * @return the mean loss over the batch, before the update
   * @throws IllegalArgumentException if values are missing, or have the wrong size, type or range;
   *     nothing is changed
   * @throws ChainruleException if the loss is not finite; nothing is changed. If the batch contains
   *     a non-finite value, the message names the node, the sample and the feature, counted from 0.
   *     If all values of the batch are finite, {@link #checking} finds the node where the first
   *     non-finite number occurs
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
   * Computes the loss of a batch without changing anything.
   *
   * @param batch values for all data nodes on which the loss depends
   * @return the mean loss over the batch, which need not be finite
   * @throws IllegalArgumentException if values are missing, or have the wrong size, type or range
   * @throws ChainruleException if the loss is not finite because the batch contains a non-finite
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
   * Turns checks for non-finite numbers on or off. With checks, {@link #step} and {@code fit} stop
   * at the first non-finite number and report where it is. Checks are off by default, unless the
   * system property {@code org.chainrule.checking} is {@code true}.
   *
   * <p>With checks, a step first computes the value and the delta of every node in a separate plan.
   * This roughly doubles the time of a step and needs memory for all these values. The step itself
   * then runs as usual and gives bit-identical results. After the update, the parameters and the
   * optimizer state are checked.
   *
   * <p>The {@link ChainruleException} names the pass (forward, backward or update), the node, the
   * row and the feature or column, counted from 0. In {@code fit} it also names the example. The
   * parameters and the optimizer state are then the same as before the step, even if the update
   * failed.
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
   * Trains for a number of epochs. The last batch of an epoch may be smaller than {@code
   * batchSize}. If the trainer is in the middle of an epoch, after a stop, an exception or a
   * resume, that epoch is completed first and counts as one of {@code epochs}.
   *
   * @param dataset columns for all data nodes on which the loss depends
   * @param batchSize the number of samples per step, at least 1
   * @param epochs the number of epochs to complete, at least 1
   * @return the progress at the end
   * @throws IllegalArgumentException if a column is missing, or has the wrong size, type or range
   * @throws ChainruleException if the loss of a step is not finite; that step changes nothing
   * @throws FitInterruptedException if the thread is interrupted
   */
  public Progress fit(Dataset dataset, int batchSize, int epochs) {
    Check.that(epochs >= 1, "fit", "expected 1 epoch or more, but got ", epochs);
    return fit(dataset, batchSize, epochs, Long.MAX_VALUE);
  }

  /**
   * Trains for a number of steps. Continues in the middle of an epoch if the previous {@code fit}
   * ended there.
   *
   * @param dataset columns for all data nodes on which the loss depends
   * @param batchSize the number of samples per step, at least 1
   * @param steps the number of steps, at least 1
   * @return the progress at the end
   * @throws IllegalArgumentException if a column is missing, or has the wrong size, type or range
   * @throws ChainruleException if the loss of a step is not finite; that step changes nothing
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
   * Stops a running {@code fit}, which returns after its current slice, within about 50 ms. Any
   * thread may call this method. It does nothing if no {@code fit} is running.
   */
  public void stop() {
    loop.stop();
  }

  /**
   * Sets the listener to which {@code fit} reports its progress. Any thread may call this method.
   *
   * @param listener the listener, or null for none
   * @return this trainer
   */
  public Trainer listener(@Nullable FitListener listener) {
    loop.listener(listener);
    return this;
  }

  /**
   * Turns the shuffling of examples on or off. With shuffling, the examples have a new random order
   * in each epoch, which depends on the model's seed. Without shuffling, the examples are used in
   * the order of the data set. Shuffling is on by default.
   *
   * @param on whether to shuffle
   * @return this trainer
   * @throws IllegalArgumentException in the middle of an epoch
   */
  public Trainer shuffle(boolean on) {
    return shuffle(on, model.seed());
  }

  /**
   * Turns the shuffling of examples on. The examples have a new random order in each epoch, which
   * depends on the given seed.
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
   * Returns the learning rate of the next step.
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
   * Sets the learning rate of all further steps.
   *
   * @param rate 0 or more and finite
   * @return this trainer
   * @throws IllegalArgumentException if the rate is negative or not finite
   */
  public Trainer learningRate(double rate) {
    Check.that(
        rate >= 0 && Double.isFinite(rate),
        "learningRate",
        "the learning rate must be 0 or more and finite, but got ",
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
   * Returns the number of updates so far, including updates before a resume.
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
   * Returns the number of epochs that {@code fit} has completed, including epochs before a resume.
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
   * Writes the model and everything that {@link #resume(Path)} needs to one file, in the same way
   * as {@link Model#save}.
   *
   * @param file the file to write; an existing file is replaced
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
   * Computes gradients like {@link Gradients#compute}.
   *
   * @param batch values for all data nodes on which the loss depends
   * @return the mean loss over the batch
   * @deprecated gradients need no optimizer; use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public double gradients(Batch batch) {
    return withGradients("gradients", tool -> tool.compute(batch));
  }

  /**
   * Returns a gradient like {@link Gradients#getFloats}.
   *
   * @param node a parameter or an input
   * @return as many values as the node has
   * @throws IllegalStateException if no gradients have been computed
   * @deprecated gradients need no optimizer; use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public float[] gradient(Node node) {
    return withGradients("gradient", tool -> tool.getFloats(node));
  }

  /**
   * Returns a gradient like {@link Gradients#getDoubles}.
   *
   * @param node a parameter or an input
   * @return as many values as the node has
   * @throws IllegalStateException if no gradients have been computed
   * @deprecated gradients need no optimizer; use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public double[] gradientDoubles(Node node) {
    return withGradients("gradientDoubles", tool -> tool.getDoubles(node));
  }

  /**
   * Computes statistics like {@link Gradients#statistics}.
   *
   * @param batch values for all data nodes on which the loss depends
   * @return one entry per node on which the loss depends, in the order of the graph
   * @deprecated statistics need no optimizer; use {@link Gradients#of(Model, Node)}
   */
  @Deprecated
  public List<NodeStatistics> statistics(Batch batch) {
    return withGradients("statistics", tool -> tool.statistics(batch));
  }

  /**
   * Computes the norms of the gradients like {@link Gradients#norms}.
   *
   * @param batch values for all data nodes on which the loss depends
   * @return the norm of each parameter's gradient, in the order of the graph
   * @deprecated gradients need no optimizer; use {@link Gradients#of(Model, Node)}
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
   * Returns the native memory that this trainer and its model hold now. {@link Gradients#memory}
   * reports the memory of gradients.
   *
   * @return the bytes by purpose
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
   * Returns the parameters on which the loss does not depend. Training does not change them.
   *
   * @return an unmodifiable list, which is normally empty
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
   * Describes the plan of a training step: its phases with their floating-point operations and
   * bytes, and which operations are fused.
   *
   * @param batchSize the number of samples per step, at least 1
   * @return several lines of text
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
   * Runs training steps and measures the time of each phase. The steps train the model.
   *
   * @param batch values for all data nodes on which the loss depends
   * @param steps the number of steps, at least 1
   * @return the text of {@link #plan} with the mean time of each phase, GFLOP/s and GB/s, and a
   *     comparison of the time of a step with the time of its matrix products alone
   * @throws ChainruleException if the loss is not finite; the step that fails changes nothing
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

  /** Copies the values of a batch, or stores their addresses. Returns the number of samples. */
  int fill(String operation, Batch batch) {
    inputs.fill(operation, Check.notNull(batch, operation, "batch"));
    return batch.size();
  }

  /**
   * Begins a call. Until it ends, this thread owns the trainer, and neither the trainer nor its
   * model can be freed.
   */
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

  /**
   * Ends a call. {@code used} is an object that was read in place and must stay reachable until
   * now.
   */
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
          "close: this thread is inside fit of this trainer; call stop(), and close the trainer"
              + " after fit has returned");
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
