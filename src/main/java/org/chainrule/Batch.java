package org.chainrule;

import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The values of a graph's data nodes for some samples. A batch finds data nodes by name.
 *
 * <p>A batch only refers to its arrays, buffers and pointers. Each call that uses the batch reads
 * their current values, so one batch and its arrays can be used throughout a training. The values
 * are ordered [sample][feature]; a label has one {@code int} per sample.
 *
 * <p>Each call copies arrays and heap buffers once. Direct buffers of native byte order and of the
 * model's type, and pointers, are read in place: they must not be written or freed while a call
 * uses them. The values of a buffer are those between its position and its limit at the time of
 * {@code set}. The values of a pointer are those between its position and its limit at the time of
 * the call. {@code float} and {@code double} numbers are converted to the model's type, except for
 * the numbers of a pointer, which must already have that type.
 *
 * <p>A batch owns no native memory and need not be closed. Not thread-safe.
 */
public final class Batch {
  private final int size;
  private final Map<String, Values> values = new LinkedHashMap<>();

  /**
   * Creates an empty batch.
   *
   * @param size the number of samples, at least 1
   * @throws IllegalArgumentException if the size is less than 1
   */
  public Batch(int size) {
    Check.that(size >= 1, "Batch", "expected a size of 1 or more, but got ", size);
    this.size = size;
  }

  /**
   * Returns the number of samples.
   *
   * @return 1 or more
   */
  public int size() {
    return size;
  }

  /**
   * Sets the values of a data node. The array is not copied until a call uses the batch.
   *
   * @param name the name of the data node
   * @param values [sample][feature], with all features of each sample
   * @return this batch
   */
  public Batch set(String name, float[] values) {
    of(name, values).array(values, Memory.Type.FLOAT, values.length);
    return this;
  }

  /**
   * Sets the values of a data node. The array is not copied until a call uses the batch.
   *
   * @param node the data node, of which only the name is used
   * @param values [sample][feature], with all features of each sample
   * @return this batch
   */
  public Batch set(Node node, float[] values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node. The array is not copied until a call uses the batch.
   *
   * @param name the name of the data node
   * @param values [sample][feature], with all features of each sample
   * @return this batch
   */
  public Batch set(String name, double[] values) {
    of(name, values).array(values, Memory.Type.DOUBLE, values.length);
    return this;
  }

  /**
   * Sets the values of a data node. The array is not copied until a call uses the batch.
   *
   * @param node the data node, of which only the name is used
   * @param values [sample][feature], with all features of each sample
   * @return this batch
   */
  public Batch set(Node node, double[] values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node. They are copied immediately; later changes of the arrays have
   * no effect.
   *
   * @param name the name of the data node
   * @param values one array per sample, with all its features
   * @return this batch
   * @throws IllegalArgumentException if the number of arrays is not {@link #size()}, or if the
   *     arrays differ in length
   */
  public Batch set(String name, float[][] values) {
    checkRows(name, Check.notNull(values, "set", "values").length);
    return set(name, Rows.flat("set '" + name + "'", values));
  }

  /**
   * Sets the values of a data node. They are copied immediately; later changes of the arrays have
   * no effect.
   *
   * @param node the data node, of which only the name is used
   * @param values one array per sample, with all its features
   * @return this batch
   * @throws IllegalArgumentException if the number of arrays is not {@link #size()}, or if the
   *     arrays differ in length
   */
  public Batch set(Node node, float[][] values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node. They are copied immediately; later changes of the arrays have
   * no effect.
   *
   * @param name the name of the data node
   * @param values one array per sample, with all its features
   * @return this batch
   * @throws IllegalArgumentException if the number of arrays is not {@link #size()}, or if the
   *     arrays differ in length
   */
  public Batch set(String name, double[][] values) {
    checkRows(name, Check.notNull(values, "set", "values").length);
    return set(name, Rows.flat("set '" + name + "'", values));
  }

  /**
   * Sets the values of a data node. They are copied immediately; later changes of the arrays have
   * no effect.
   *
   * @param node the data node, of which only the name is used
   * @param values one array per sample, with all its features
   * @return this batch
   * @throws IllegalArgumentException if the number of arrays is not {@link #size()}, or if the
   *     arrays differ in length
   */
  public Batch set(Node node, double[][] values) {
    return set(name(node), values);
  }

  /**
   * Sets the class indices of a label. The array is not copied until a call uses the batch.
   *
   * @param name the name of the label
   * @param values one class index per sample
   * @return this batch
   */
  public Batch set(String name, int[] values) {
    of(name, values).array(values, Memory.Type.LABEL, values.length);
    return this;
  }

  /**
   * Sets the class indices of a label. The array is not copied until a call uses the batch.
   *
   * @param node the label, of which only the name is used
   * @param values one class index per sample
   * @return this batch
   */
  public Batch set(Node node, int[] values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node.
   *
   * @param name the name of the data node
   * @param values [sample][feature], with all features of each sample, between position and limit
   * @return this batch
   */
  public Batch set(String name, FloatBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets the values of a data node.
   *
   * @param node the data node, of which only the name is used
   * @param values [sample][feature], with all features of each sample, between position and limit
   * @return this batch
   */
  public Batch set(Node node, FloatBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node.
   *
   * @param name the name of the data node
   * @param values [sample][feature], with all features of each sample, between position and limit
   * @return this batch
   */
  public Batch set(String name, DoubleBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets the values of a data node.
   *
   * @param node the data node, of which only the name is used
   * @param values [sample][feature], with all features of each sample, between position and limit
   * @return this batch
   */
  public Batch set(Node node, DoubleBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets the class indices of a label.
   *
   * @param name the name of the label
   * @param values one class index per sample, between position and limit
   * @return this batch
   */
  public Batch set(String name, IntBuffer values) {
    of(name, values).buffer(values);
    return this;
  }

  /**
   * Sets the class indices of a label.
   *
   * @param node the label, of which only the name is used
   * @param values one class index per sample, between position and limit
   * @return this batch
   */
  public Batch set(Node node, IntBuffer values) {
    return set(name(node), values);
  }

  /**
   * Sets the values of a data node, which are read in place.
   *
   * @param name the name of the data node
   * @param values a FloatPointer, DoublePointer or IntPointer, with a limit, of the model's type;
   *     an IntPointer for a label
   * @return this batch
   * @throws IllegalArgumentException if the pointer has another class
   */
  public Batch set(String name, Pointer values) {
    of(name, values).pointer(values);
    return this;
  }

  /**
   * Sets the values of a data node, which are read in place.
   *
   * @param node the data node, of which only the name is used
   * @param values a FloatPointer, DoublePointer or IntPointer, with a limit, of the model's type;
   *     an IntPointer for a label
   * @return this batch
   * @throws IllegalArgumentException if the pointer has another class
   */
  public Batch set(Node node, Pointer values) {
    return set(name(node), values);
  }

  /** Returns the values of a data node, or null if there are none. */
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

  /** {@return the number of samples, and the names of the data nodes} */
  @Override
  public String toString() {
    return size + " samples of " + values.keySet();
  }
}
