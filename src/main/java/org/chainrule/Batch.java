package org.chainrule;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The data of some samples, by the names of a graph's data nodes. Holds references only: what they
 * refer to is read by each call that takes the batch, so one batch and one array can serve a whole
 * training. Every sample's values are contiguous: [sample][feature]; a label has one {@code int} a
 * sample.
 *
 * <p>Arrays and heap buffers are copied once a call. Direct buffers of native byte order and of the
 * model's type, and pointers, are read in place: they must not be written or freed while a call
 * runs that takes them. A buffer's values are those between its position and its limit at the
 * moment of {@code set}, a pointer's those at the moment of the call. {@code float} and {@code
 * double} are converted to the model's type, but for pointers, which must have it.
 *
 * <p>Nothing here is native: there is nothing to close. Not for two threads at once.
 */
public final class Batch {
  private final int size;
  private final Map<String, Values> values = new LinkedHashMap<>();

  /**
   * An empty batch.
   *
   * @param size how many samples, 1 or more
   */
  public Batch(int size) {
    Check.that(size >= 1, "Batch", "the size must be 1 or more, but is ", size);
    this.size = size;
  }

  /**
   * How many samples.
   *
   * @return 1 or more
   */
  public int size() {
    return size;
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(String name, float[] values) {
    of(name, values).array(values, Memory.Type.FLOAT, values.length);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(Node node, float[] values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(String name, double[] values) {
    of(name, values).array(values, Memory.Type.DOUBLE, values.length);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(Node node, double[] values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values. They are copied now: the batch does not see later changes.
   *
   * @param name the data node's name
   * @param values one array a sample, each of all features
   * @return this batch
   */
  public Batch set(String name, float[][] values) {
    checkRows(name, Check.notNull(values, "set", "values").length);
    return set(name, Rows.flat("set '" + name + "'", values));
  }

  /**
   * Sets a data node's values. They are copied now: the batch does not see later changes.
   *
   * @param node the data node, known by its name
   * @param values one array a sample, each of all features
   * @return this batch
   */
  public Batch set(Node node, float[][] values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values. They are copied now: the batch does not see later changes.
   *
   * @param name the data node's name
   * @param values one array a sample, each of all features
   * @return this batch
   */
  public Batch set(String name, double[][] values) {
    checkRows(name, Check.notNull(values, "set", "values").length);
    return set(name, Rows.flat("set '" + name + "'", values));
  }

  /**
   * Sets a data node's values. They are copied now: the batch does not see later changes.
   *
   * @param node the data node, known by its name
   * @param values one array a sample, each of all features
   * @return this batch
   */
  public Batch set(Node node, double[][] values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values a class index a sample
   * @return this batch
   */
  public Batch set(String name, int[] values) {
    of(name, values).array(values, Memory.Type.LABEL, values.length);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values a class index a sample
   * @return this batch
   */
  public Batch set(Node node, int[] values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(String name, FloatBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(Node node, FloatBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(String name, DoubleBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values samples x features numbers
   * @return this batch
   */
  public Batch set(Node node, DoubleBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values a class index a sample
   * @return this batch
   */
  public Batch set(String name, IntBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values a class index a sample
   * @return this batch
   */
  public Batch set(Node node, IntBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets a data node's values.
   *
   * @param name the data node's name
   * @param values a FloatPointer, DoublePointer or IntPointer with a limit
   * @return this batch
   */
  public Batch set(String name, Pointer values) {
    of(name, values).pointer(values);
    return this;
  }

  /**
   * Sets a data node's values.
   *
   * @param node the data node, known by its name
   * @param values a FloatPointer, DoublePointer or IntPointer with a limit
   * @return this batch
   */
  public Batch set(Node node, Pointer values) {
    return set(name(node), values);
  }

  /** The values of a data node, or null. */
  @Nullable Values values(String name) {
    return values.get(name);
  }

  private void checkRows(String name, int rows) {
    Check.that(
        rows == size,
        "set '" + name + "'",
        "expected one array for each of " + size + " samples, but got ",
        rows);
  }

  private Values of(String name, Object given) {
    Check.notNull(name, "set", "name");
    Check.notNull(given, "set", "values");
    Values known = values.get(name);
    if (known == null) {
      known = new Values();
      values.put(name, known);
    }
    return known;
  }

  private static String name(Node node) {
    return Check.notNull(node, "set", "node").name();
  }

  /** {@return the size and the names} */
  @Override
  public String toString() {
    return size + " samples of " + values.keySet();
  }
}
