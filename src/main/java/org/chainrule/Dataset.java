package org.chainrule;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.chainrule.binding.NativeDataset;
import org.chainrule.binding.NativeTrainer;

/**
 * Training examples in native memory. A data set has one column per data node of the graph; a
 * column has the name of its node.
 *
 * <p>Columns are copied from arrays. Both {@code float} and {@code double} columns can be used with
 * any model; the numbers are converted to the type of the model. All columns must be added before
 * the first training with the data set.
 */
public final class Dataset extends NativeObject {
  /**
   * The number of values copied at a time. A view of native memory cannot be larger than a buffer.
   */
  private static final int CHUNK = 1 << 26;

  private final NativeDataset handle;
  private final int examples;
  private final Map<String, Long> columns = new LinkedHashMap<>();
  private boolean inUse;

  private Dataset(int examples) {
    super("data set");
    this.examples = examples;
    NativeDataset created = NativeDataset.create(examples);
    handle = created;
    own(() -> NativeDataset.destroy(created));
  }

  /**
   * Creates a data set without columns.
   *
   * @param examples the number of examples, at least 1
   * @return the data set, which the caller must close
   * @throws IllegalArgumentException if the number is less than 1
   */
  public static Dataset of(int examples) {
    Check.that(examples >= 1, "Dataset", "expected 1 example or more, but got ", examples);
    return new Dataset(examples);
  }

  /**
   * Adds a column of numbers. The array is copied.
   *
   * @param name the name of the data node
   * @param values [example][feature], with the same number of features for each example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not a multiple of the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(String name, float[] values) {
    Check.notNull(values, "add", "values");
    return column(name, Memory.Type.FLOAT, values, values.length);
  }

  /**
   * Adds a column of numbers. The array is copied.
   *
   * @param name the name of the data node
   * @param values [example][feature], with the same number of features for each example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not a multiple of the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(String name, double[] values) {
    Check.notNull(values, "add", "values");
    return column(name, Memory.Type.DOUBLE, values, values.length);
  }

  /**
   * Adds a column of class indices. The array is copied.
   *
   * @param name the name of the label
   * @param values one class index per example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(String name, int[] values) {
    Check.notNull(values, "add", "values");
    Check.that(
        values.length == examples,
        "add '" + name + "'",
        "an int[] holds the class indices of a label (pass the values of an input as float[] or"
            + " double[]): expected one for each of "
            + examples
            + " examples, but got ",
        values.length);
    return column(name, Memory.Type.LABEL, values, values.length);
  }

  /**
   * Adds a column of numbers. The array is copied.
   *
   * @param node the data node, of which only the name is used
   * @param values [example][feature], with the same number of features for each example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not a multiple of the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(Node node, float[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers. The array is copied.
   *
   * @param node the data node, of which only the name is used
   * @param values [example][feature], with the same number of features for each example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not a multiple of the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(Node node, double[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of class indices. The array is copied.
   *
   * @param node the label, of which only the name is used
   * @param values one class index per example
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, or if the number of
   *     values is not the number of examples
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(Node node, int[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers. The arrays are copied.
   *
   * @param name the name of the data node
   * @param values one array per example, with all its features
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, if the number of arrays
   *     is not the number of examples, or if the arrays differ in length
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(String name, float[][] values) {
    checkRows(name, Check.notNull(values, "add", "values").length);
    return add(name, Rows.flat("add '" + name + "'", values));
  }

  /**
   * Adds a column of numbers. The arrays are copied.
   *
   * @param node the data node, of which only the name is used
   * @param values one array per example, with all its features
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, if the number of arrays
   *     is not the number of examples, or if the arrays differ in length
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(Node node, float[][] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers. The arrays are copied.
   *
   * @param name the name of the data node
   * @param values one array per example, with all its features
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, if the number of arrays
   *     is not the number of examples, or if the arrays differ in length
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(String name, double[][] values) {
    checkRows(name, Check.notNull(values, "add", "values").length);
    return add(name, Rows.flat("add '" + name + "'", values));
  }

  /**
   * Adds a column of numbers. The arrays are copied.
   *
   * @param node the data node, of which only the name is used
   * @param values one array per example, with all its features
   * @return this data set
   * @throws IllegalArgumentException if there is a column with this name, if the number of arrays
   *     is not the number of examples, or if the arrays differ in length
   * @throws IllegalStateException if a trainer already uses this data set
   */
  public Dataset add(Node node, double[][] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Does the same as {@link #add(String, float[])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param name the name of the data node
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, float[] values) {
    return add(name, values);
  }

  /**
   * Does the same as {@link #add(String, double[])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param name the name of the data node
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, double[] values) {
    return add(name, values);
  }

  /**
   * Does the same as {@link #add(String, int[])}. In some JVM languages {@code with} is a keyword.
   *
   * @param name the name of the label
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, int[] values) {
    return add(name, values);
  }

  /**
   * Does the same as {@link #add(String, float[][])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param name the name of the data node
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, float[][] values) {
    return add(name, values);
  }

  /**
   * Does the same as {@link #add(String, double[][])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param name the name of the data node
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, double[][] values) {
    return add(name, values);
  }

  /**
   * Does the same as {@link #add(Node, float[])}. In some JVM languages {@code with} is a keyword.
   *
   * @param node the data node, of which only the name is used
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, float[] values) {
    return add(node, values);
  }

  /**
   * Does the same as {@link #add(Node, double[])}. In some JVM languages {@code with} is a keyword.
   *
   * @param node the data node, of which only the name is used
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, double[] values) {
    return add(node, values);
  }

  /**
   * Does the same as {@link #add(Node, int[])}. In some JVM languages {@code with} is a keyword.
   *
   * @param node the label, of which only the name is used
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, int[] values) {
    return add(node, values);
  }

  /**
   * Does the same as {@link #add(Node, float[][])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param node the data node, of which only the name is used
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, float[][] values) {
    return add(node, values);
  }

  /**
   * Does the same as {@link #add(Node, double[][])}. In some JVM languages {@code with} is a
   * keyword.
   *
   * @param node the data node, of which only the name is used
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, double[][] values) {
    return add(node, values);
  }

  /**
   * Returns the number of examples.
   *
   * @return 1 or more
   */
  public int examples() {
    return examples;
  }

  private void checkRows(String name, int rows) {
    Check.that(
        rows == examples,
        "add '" + name + "'",
        "expected one array for each of " + examples + " examples, but got ",
        rows);
  }

  private synchronized Dataset column(String name, Memory.Type type, Object values, int length) {
    String operation = "add '" + Check.name(name, "add") + "'";
    if (inUse) {
      throw new IllegalStateException(
          operation + ": a trainer already uses this data set; add all columns before fit");
    }
    Check.that(!columns.containsKey(name), operation, "there is already a column named ", name);
    Check.that(
        length > 0 && length % examples == 0,
        operation,
        "expected the same number of values for each of " + examples + " examples, but got ",
        length);
    enter(operation);
    try {
      long features = length / examples;
      BytePointer start = handle.add_column(name, type.column, features);
      for (int done = 0; done < length; ) {
        int count = Math.min(CHUNK, length - done);
        Memory.at(start, done, count, type).put(operation, name, values, done, count);
        done += count;
      }
      columns.put(name, features);
    } finally {
      exit();
    }
    return this;
  }

  /** Binds this data set to a trainer. Must be called between enter and exit. */
  synchronized void bind(NativeTrainer trainer, int batchSize) {
    trainer.bind(handle, batchSize);
    inUse = true;
  }

  /** {@return the number of examples, and each column with its number of features} */
  @Override
  public synchronized String toString() {
    return examples + " examples of " + columns;
  }
}
