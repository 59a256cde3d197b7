package org.chainrule;

import java.lang.ref.Reference;
import java.util.List;
import org.chainrule.binding.NativePredictor;

/**
 * Computes the values of chosen nodes of a model, its outputs.
 *
 * <p>Thread-safe: any number of threads may use a predictor, because each running call has memory
 * of its own. A call waits for a training step that is running on the model and then uses the
 * parameters after that step. All samples of a call use the same parameters.
 *
 * <p>Data and results are ordered [sample][feature]. An output that is not batched has one value,
 * or one matrix, for the whole call. Labels and targets on which the outputs do not depend need not
 * be given. Non-finite values are allowed. After the first call with as many samples, a call
 * allocates only the array that it returns.
 *
 * <p>{@link #close} waits for running calls.
 */
public final class Predictor extends NativeObject {
  private final Model model;
  private final NativePredictor handle;
  private final WorkspacePool pool;
  private final List<Node> outputs;
  private final List<Node> data;
  private final int slot;

  Predictor(Model model, Node... outputs) {
    super("predictor");
    this.model = model;
    Check.notNull(outputs, "predictor", "list of outputs");
    Check.that(outputs.length >= 1, "predictor", "expected 1 output or more, but got ", 0);
    int[] ids = new int[outputs.length];
    for (int i = 0; i < ids.length; ++i) {
      ids[i] = model.nodes().id("predictor", outputs[i]);
    }
    this.outputs = List.of(outputs);
    model.enter("predictor");
    try {
      handle = NativePredictor.create(model.handle(), ids, ids.length);
    } finally {
      model.exit();
    }
    List<Node> slots = model.nodes().data();
    data = slots.stream().filter(node -> handle.needed(slots.indexOf(node))).toList();
    slot = data.size() == 1 ? slots.indexOf(data.get(0)) : -1;
    pool = new WorkspacePool(handle);
    own(pool);
    handle.checking(Chainrule.checking());
  }

  /**
   * Turns checks for non-finite values on or off. With checks, a call stops at the first non-finite
   * value of any node on which the outputs depend. It throws a {@link ChainruleException} that
   * names the node, the sample and the feature, counted from 0. These nodes are then computed
   * twice. Checks are off by default, unless the system property {@code org.chainrule.checking} is
   * {@code true}.
   *
   * @param on whether to check
   * @return this predictor
   */
  public Predictor checking(boolean on) {
    begin("checking");
    try {
      handle.checking(on);
      return this;
    } finally {
      end();
    }
  }

  /**
   * Computes the output for some samples. The predictor must have one output, which depends on one
   * input or target.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @return the values of the output, [sample][feature]; rounded if the model is of doubles
   * @throws IllegalArgumentException if there are several outputs or data nodes, or if the length
   *     is not a multiple of the number of features
   */
  public float[] predict(float[] samples) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    float[] values = new float[size("predict", 0, count)];
    compute("predict", samples, count, values);
    return values;
  }

  /**
   * Computes the output for some samples. The predictor must have one output, which depends on one
   * input or target.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @return the values of the output, [sample][feature]
   * @throws IllegalArgumentException if there are several outputs or data nodes, if the length is
   *     not a multiple of the number of features, or if a value is too large for a model of floats
   */
  public double[] predict(double[] samples) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    double[] values = new double[size("predict", 0, count)];
    compute("predict", samples, count, values);
    return values;
  }

  /**
   * Computes the output for some samples. The predictor must have one output, which depends on one
   * input or target.
   *
   * @param samples one array per sample, with all its features
   * @return one array per sample, or a single array if the output is not batched; rounded if the
   *     model is of doubles
   * @throws IllegalArgumentException if there are several outputs or data nodes, or if an array has
   *     the wrong length
   */
  public float[][] predict(float[][] samples) {
    float[] flat = Rows.flat("predict", samples);
    checkWidth("predict", samples.length, flat.length);
    return Rows.of(predict(flat), outputs.get(0).features());
  }

  /**
   * Computes the output for some samples. The predictor must have one output, which depends on one
   * input or target.
   *
   * @param samples one array per sample, with all its features
   * @return one array per sample, or a single array if the output is not batched
   * @throws IllegalArgumentException if there are several outputs or data nodes, if an array has
   *     the wrong length, or if a value is too large for a model of floats
   */
  public double[][] predict(double[][] samples) {
    double[] flat = Rows.flat("predict", samples);
    checkWidth("predict", samples.length, flat.length);
    return Rows.of(predict(flat), outputs.get(0).features());
  }

  /**
   * Computes the output like {@link #predict(float[])}, but writes it to an existing array.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @param values the array for the output, [sample][feature], whose length must match exactly
   * @throws IllegalArgumentException if {@code values} has the wrong length, or as for {@link
   *     #predict(float[])}
   */
  public void predict(float[] samples, float[] values) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    checkLength(0, count, Check.notNull(values, "predict", "array of values").length);
    compute("predict", samples, count, values);
  }

  /**
   * Computes the output like {@link #predict(double[])}, but writes it to an existing array.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @param values the array for the output, [sample][feature], whose length must match exactly
   * @throws IllegalArgumentException if {@code values} has the wrong length, or as for {@link
   *     #predict(double[])}
   */
  public void predict(double[] samples, double[] values) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    checkLength(0, count, Check.notNull(values, "predict", "array of values").length);
    compute("predict", samples, count, values);
  }

  /**
   * Computes the only output for a batch, as {@code float} numbers. {@link #predictDoubles} does
   * not round the values of a model of doubles.
   *
   * @param batch values for all data nodes on which the output depends
   * @return the values of the output, [sample][feature]; rounded if the model is of doubles
   * @throws IllegalArgumentException if there are several outputs, or if values are missing or have
   *     the wrong size or type
   */
  public float[] predict(Batch batch) {
    oneOutput("predict");
    Check.notNull(batch, "predict", "batch");
    float[] values = new float[size("predict", 0, batch.size())];
    predict(batch, values);
    return values;
  }

  /**
   * Computes the only output for a batch, as {@code double} numbers.
   *
   * @param batch values for all data nodes on which the output depends
   * @return the values of the output, [sample][feature]
   * @throws IllegalArgumentException if there are several outputs, or if values are missing or have
   *     the wrong size or type
   */
  public double[] predictDoubles(Batch batch) {
    oneOutput("predictDoubles");
    Check.notNull(batch, "predictDoubles", "batch");
    double[] values = new double[size("predictDoubles", 0, batch.size())];
    predict(batch, values);
    return values;
  }

  /**
   * Computes all outputs for a batch and writes them to existing arrays.
   *
   * @param batch values for all data nodes on which the outputs depend
   * @param values one array per output, [sample][feature], whose length must match exactly; rounded
   *     if the model is of doubles
   * @throws IllegalArgumentException if an array has the wrong length, or if values are missing or
   *     have the wrong size or type
   */
  public void predict(Batch batch, float[]... values) {
    compute(batch, values);
  }

  /**
   * Computes all outputs for a batch and writes them to existing arrays.
   *
   * @param batch values for all data nodes on which the outputs depend
   * @param values one array per output, [sample][feature], whose length must match exactly
   * @throws IllegalArgumentException if an array has the wrong length, or if values are missing or
   *     have the wrong size or type
   */
  public void predict(Batch batch, double[]... values) {
    compute(batch, values);
  }

  /**
   * Returns the class of each sample.
   *
   * <p>If the output has several values per sample (logits or probabilities), the class is the
   * index of the largest value. Among equal values the first counts, and NaN is never the largest.
   * If the output is a single sigmoid (a probability), the class is 1 above 0.5, otherwise 0. Any
   * other single value is rejected, because its meaning is unknown.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @return one class index per sample
   * @throws IllegalArgumentException if the output has one value per sample and is not a sigmoid,
   *     or as for {@link #predict(float[])}
   */
  public int[] classify(float[] samples) {
    checkClasses();
    Check.notNull(samples, "classify", "array of samples");
    return classify(samples, samples.length);
  }

  /**
   * Returns the class of each sample; see {@link #classify(float[])}.
   *
   * @param samples the values of the input, [sample][feature], for any number of samples
   * @return one class index per sample
   * @throws IllegalArgumentException if the output has one value per sample and is not a sigmoid,
   *     or as for {@link #predict(double[])}
   */
  public int[] classify(double[] samples) {
    checkClasses();
    Check.notNull(samples, "classify", "array of samples");
    return classify(samples, samples.length);
  }

  /**
   * Returns the class of each sample; see {@link #classify(float[])}.
   *
   * @param samples one array per sample, with all its features
   * @return one class index per sample
   * @throws IllegalArgumentException if the output has one value per sample and is not a sigmoid,
   *     or as for {@link #predict(float[][])}
   */
  public int[] classify(float[][] samples) {
    checkClasses();
    float[] flat = Rows.flat("classify", samples);
    checkWidth("classify", samples.length, flat.length);
    return classify(flat, flat.length);
  }

  /**
   * Returns the class of each sample; see {@link #classify(float[])}.
   *
   * @param samples one array per sample, with all its features
   * @return one class index per sample
   * @throws IllegalArgumentException if the output has one value per sample and is not a sigmoid,
   *     or as for {@link #predict(double[][])}
   */
  public int[] classify(double[][] samples) {
    checkClasses();
    double[] flat = Rows.flat("classify", samples);
    checkWidth("classify", samples.length, flat.length);
    return classify(flat, flat.length);
  }

  /**
   * Returns the class of each sample of a batch; see {@link #classify(float[])}.
   *
   * @param batch values for all data nodes on which the output depends
   * @return one class index per sample
   * @throws IllegalArgumentException if the output has one value per sample and is not a sigmoid,
   *     or as for {@link #predict(Batch)}
   */
  public int[] classify(Batch batch) {
    checkClasses();
    return classes(predictDoubles(batch));
  }

  private int[] classify(Object samples, int length) {
    int count = count("classify", samples, length);
    double[] values = new double[size("classify", 0, count)];
    compute("classify", samples, count, values);
    return classes(values);
  }

  private void checkClasses() {
    oneOutput("classify");
    Node output = outputs.get(0);
    Check.that(
        output.features() > 1 || output.op() == Op.SIGMOID,
        "classify",
        "expected one value per class or a single sigmoid (use predict, or classify the sigmoid of"
            + " the logit), but got ",
        output);
  }

  private int[] classes(double[] values) {
    int classes = Math.toIntExact(outputs.get(0).features());
    int[] best = new int[values.length / classes];
    for (int i = 0; i < best.length; ++i) {
      if (classes == 1) {
        best[i] = values[i] > 0.5 ? 1 : 0;
        continue;
      }
      double largest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < classes; ++j) {
        if (values[i * classes + j] > largest) {
          largest = values[i * classes + j];
          best[i] = j;
        }
      }
    }
    return best;
  }

  private void compute(String operation, Object samples, int count, Object values) {
    begin(operation);
    try {
      Workspace workspace = take();
      try {
        workspace.inputs.fill(operation, slot, samples, count);
        workspace.run(handle, count);
        workspace.read(0, values, size(operation, 0, count));
      } finally {
        pool.give(workspace);
      }
    } finally {
      end();
    }
  }

  private void compute(Batch batch, Object[] values) {
    Check.notNull(batch, "predict", "batch");
    Check.notNull(values, "predict", "list of arrays");
    Check.that(
        values.length == outputs.size(),
        "predict",
        "expected an array for each of " + outputs.size() + " outputs, but got ",
        values.length);
    for (int i = 0; i < values.length; ++i) {
      Object array = Check.notNull(values[i], "predict", "array of values");
      checkLength(
          i, batch.size(), array instanceof float[] f ? f.length : ((double[]) array).length);
    }
    begin("predict");
    try {
      Workspace workspace = take();
      try {
        workspace.inputs.fill("predict", batch);
        workspace.run(handle, batch.size());
        for (int i = 0; i < values.length; ++i) {
          workspace.read(i, values[i], size("predict", i, batch.size()));
        }
      } finally {
        pool.give(workspace);
      }
    } finally {
      Reference.reachabilityFence(batch);
      end();
    }
  }

  private Workspace take() {
    Workspace workspace = pool.take();
    return workspace != null ? workspace : new Workspace(handle, model, outputs);
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

  private void end() {
    model.exit();
    exit();
  }

  private void oneOutput(String operation) {
    Check.that(outputs.size() == 1, operation, "expected one output, but got ", outputs.size());
  }

  /** Throws IllegalArgumentException if the rows do not have one value per feature of the input. */
  private void checkWidth(String operation, int rows, int length) {
    if (slot >= 0 && length != rows * data.get(0).features()) {
      throw new IllegalArgumentException(
          operation
              + ": expected "
              + data.get(0).features()
              + " values per sample for "
              + data.get(0)
              + ", but got "
              + length / rows);
    }
  }

  /** Returns the number of samples in an array of the input's values. */
  private int count(String operation, Object samples, int length) {
    oneOutput(operation);
    boolean one = slot >= 0 && data.get(0).op() != Op.LABEL;
    if (!one) {
      throw new IllegalArgumentException(
          operation
              + ": expected an output that depends on one input or target only, but it depends on "
              + data
              + "; pass a Batch");
    }
    long width = data.get(0).features();
    if (length == 0 || length % width != 0) {
      throw new IllegalArgumentException(
          operation
              + ": expected samples of "
              + width
              + " values for "
              + data.get(0)
              + ", but got "
              + length
              + " values");
    }
    return (int) (length / width);
  }

  private int size(String operation, int output, int samples) {
    Node node = outputs.get(output);
    return Check.size(operation, node.features(), node.isBatched() ? samples : 1);
  }

  private void checkLength(int output, int samples, int length) {
    int expected = size("predict", output, samples);
    if (length != expected) {
      throw new IllegalArgumentException(
          "predict: expected an array of "
              + expected
              + " values for "
              + outputs.get(output)
              + " and "
              + samples
              + " samples, but got length "
              + length);
    }
  }

  /** {@return the outputs, the data nodes on which they depend, and the model} */
  @Override
  public String toString() {
    return "predictor of " + outputs + " from " + data + " in a " + model.summary();
  }
}
