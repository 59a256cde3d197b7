package org.chainrule;

import java.lang.ref.Reference;
import java.util.List;
import org.chainrule.binding.NativePredictor;

/**
 * Computes nodes of a model. Safe from any number of threads, each of which has memory of its own.
 * Waits for a training step that is running on the model, and sees the parameters after it.
 *
 * <p>Data are [sample][feature], and so are the values that come out; a node that is not batched
 * has one value, or matrix, for the whole call. Labels and targets that the outputs do not depend
 * on need not be given. Values that are not finite are allowed. A call allocates nothing but what
 * it returns, once it has seen as many samples.
 *
 * <p>All samples of a call see the same parameters. {@link #close} waits for running calls.
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
   * Stops at the first value that is not finite, of any node that the outputs depend on, with a
   * {@link ChainruleException} that names the node, the sample and the feature, counted from 0. All
   * of them are then computed twice. Off by default, unless the system property {@code
   * org.chainrule.checking} is {@code true}.
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
   * The values of the one output for samples of the one data node it depends on.
   *
   * @param samples [sample][feature], any number of samples
   * @return [sample][feature] of the output; rounded if the model is of doubles
   * @throws IllegalArgumentException if there are several data nodes or outputs, or the length is
   *     no multiple of the features
   */
  public float[] predict(float[] samples) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    float[] values = new float[size("predict", 0, count)];
    compute("predict", samples, count, values);
    return values;
  }

  /**
   * The values of the one output for samples of the one data node it depends on.
   *
   * @param samples [sample][feature], any number of samples
   * @return [sample][feature] of the output
   */
  public double[] predict(double[] samples) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    double[] values = new double[size("predict", 0, count)];
    compute("predict", samples, count, values);
    return values;
  }

  /**
   * The values of the one output for samples of the one data node it depends on.
   *
   * @param samples one array a sample, each of all features
   * @return one array a sample; rounded if the model is of doubles. An output that is not batched
   *     is one array in all
   */
  public float[][] predict(float[][] samples) {
    float[] flat = Rows.flat("predict", samples);
    checkWidth("predict", samples.length, flat.length);
    return Rows.of(predict(flat), outputs.get(0).features());
  }

  /**
   * The values of the one output for samples of the one data node it depends on.
   *
   * @param samples one array a sample, each of all features
   * @return one array a sample. An output that is not batched is one array in all
   */
  public double[][] predict(double[][] samples) {
    double[] flat = Rows.flat("predict", samples);
    checkWidth("predict", samples.length, flat.length);
    return Rows.of(predict(flat), outputs.get(0).features());
  }

  /**
   * The same into an array of the caller's.
   *
   * @param samples [sample][feature], any number of samples
   * @param values where the output's [sample][feature] go; exactly as long
   */
  public void predict(float[] samples, float[] values) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    checkLength(0, count, Check.notNull(values, "predict", "array of values").length);
    compute("predict", samples, count, values);
  }

  /**
   * The same into an array of the caller's.
   *
   * @param samples [sample][feature], any number of samples
   * @param values where the output's [sample][feature] go; exactly as long
   */
  public void predict(double[] samples, double[] values) {
    int count = count("predict", Check.notNull(samples, "predict", "samples"), samples.length);
    checkLength(0, count, Check.notNull(values, "predict", "array of values").length);
    compute("predict", samples, count, values);
  }

  /**
   * The values of the one output as {@code float} numbers. For a model of doubles, {@link
   * #predictDoubles} does not round them.
   *
   * @param batch values for all data nodes that the output depends on
   * @return [sample][feature] of the output; rounded if the model is of doubles
   */
  public float[] predict(Batch batch) {
    oneOutput("predict");
    Check.notNull(batch, "predict", "batch");
    float[] values = new float[size("predict", 0, batch.size())];
    predict(batch, values);
    return values;
  }

  /**
   * The values of the one output as {@code double} numbers.
   *
   * @param batch values for all data nodes that the output depends on
   * @return [sample][feature] of the output
   */
  public double[] predictDoubles(Batch batch) {
    oneOutput("predictDoubles");
    Check.notNull(batch, "predictDoubles", "batch");
    double[] values = new double[size("predictDoubles", 0, batch.size())];
    predict(batch, values);
    return values;
  }

  /**
   * The values of all outputs.
   *
   * @param batch values for all data nodes that the outputs depend on
   * @param values one array an output: where its [sample][feature] go; exactly as long
   */
  public void predict(Batch batch, float[]... values) {
    compute(batch, values);
  }

  /**
   * The values of all outputs.
   *
   * @param batch values for all data nodes that the outputs depend on
   * @param values one array an output: where its [sample][feature] go; exactly as long
   */
  public void predict(Batch batch, double[]... values) {
    compute(batch, values);
  }

  /**
   * The class of each sample. Where the output has several values a sample, logits or
   * probabilities, it is the place of the largest; the first of equal ones, and NaN is never the
   * largest. Where it is one sigmoid, a probability, it is 1 above 0.5 and else 0. Any other single
   * value is refused: nobody knows what it means.
   *
   * @param samples [sample][feature], any number of samples
   * @return one class index a sample
   * @throws IllegalArgumentException if the output has one value a sample and is not a sigmoid
   */
  public int[] classify(float[] samples) {
    checkClasses();
    Check.notNull(samples, "classify", "array of samples");
    return classify(samples, samples.length);
  }

  /**
   * The class of each sample, see {@link #classify(float[])}.
   *
   * @param samples [sample][feature], any number of samples
   * @return one class index a sample
   * @throws IllegalArgumentException if the output has one value a sample and is not a sigmoid
   */
  public int[] classify(double[] samples) {
    checkClasses();
    Check.notNull(samples, "classify", "array of samples");
    return classify(samples, samples.length);
  }

  /**
   * The class of each sample, see {@link #classify(float[])}.
   *
   * @param samples one array a sample, each of all features
   * @return one class index a sample
   * @throws IllegalArgumentException if the output has one value a sample and is not a sigmoid
   */
  public int[] classify(float[][] samples) {
    checkClasses();
    float[] flat = Rows.flat("classify", samples);
    checkWidth("classify", samples.length, flat.length);
    return classify(flat, flat.length);
  }

  /**
   * The class of each sample, see {@link #classify(float[])}.
   *
   * @param samples one array a sample, each of all features
   * @return one class index a sample
   * @throws IllegalArgumentException if the output has one value a sample and is not a sigmoid
   */
  public int[] classify(double[][] samples) {
    checkClasses();
    double[] flat = Rows.flat("classify", samples);
    checkWidth("classify", samples.length, flat.length);
    return classify(flat, flat.length);
  }

  /**
   * The class of each sample of a batch, see {@link #classify(float[])}.
   *
   * @param batch values for all data nodes that the output depends on
   * @return one class index a sample
   * @throws IllegalArgumentException if the output has one value a sample and is not a sigmoid
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
        "expected one value a class, or one sigmoid; use predict, or classify the sigmoid of the"
            + " logit, but got ",
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
        "expected an array for each of " + outputs.size() + " outputs, but the number is ",
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
    Check.that(
        outputs.size() == 1, operation, "expected one output, but the number is ", outputs.size());
  }

  /** Refuses rows that are not one sample each. */
  private void checkWidth(String operation, int rows, int length) {
    if (slot >= 0 && length != rows * data.get(0).features()) {
      throw new IllegalArgumentException(
          operation
              + ": expected "
              + data.get(0).features()
              + " values a sample for "
              + data.get(0)
              + ", but got "
              + length / rows);
    }
  }

  /** How many samples an array of the one data node's values holds. */
  private int count(String operation, Object samples, int length) {
    oneOutput(operation);
    boolean one = slot >= 0 && data.get(0).op() != Op.LABEL;
    if (!one) {
      throw new IllegalArgumentException(
          operation
              + ": an array serves one node of values, but the outputs depend on "
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
              + ", but "
              + length
              + " values came");
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
              + " of "
              + samples
              + " samples, but its length is "
              + length);
    }
  }

  /** {@return the outputs, what they are computed from, and the model} */
  @Override
  public String toString() {
    return "predictor of " + outputs + " from " + data + " in a " + model.summary();
  }
}
