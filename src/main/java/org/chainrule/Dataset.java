package org.chainrule;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.chainrule.binding.NativeDataset;
import org.chainrule.binding.NativeTrainer;

/**
 * Examples to train on, in native memory: one column for each data node, found by the node's name.
 * Columns are copied from arrays; {@code float} and {@code double} columns both serve any model.
 */
public final class Dataset extends NativeObject {
  /** Copied at a time: keeps the views of native memory within what a buffer can hold. */
  private static final int CHUNK = 1 << 26;

  private final NativeDataset handle;
  private final int examples;
  private final Map<String, Long> columns = new LinkedHashMap<>();
  private boolean inUse;

  private Dataset(int examples) {
    super("data set");
    this.examples = examples;
    NativeDataset made = NativeDataset.create(examples);
    handle = made;
    own(() -> NativeDataset.destroy(made));
  }

  /**
   * A data set without columns.
   *
   * @param examples how many examples, 1 or more
   * @return the data set
   * @throws IllegalArgumentException if there are none
   */
  public static Dataset of(int examples) {
    Check.that(examples >= 1, "Dataset", "expected 1 example or more, but got ", examples);
    return new Dataset(examples);
  }

  /**
   * Adds a column of numbers.
   *
   * @param name the data node's name
   * @param values [example][feature], the same number of features for each example
   * @return this data set
   */
  public Dataset add(String name, float[] values) {
    Check.notNull(values, "add", "values");
    return column(name, Memory.Type.FLOAT, values, values.length);
  }

  /**
   * Adds a column of numbers.
   *
   * @param name the data node's name
   * @param values [example][feature], the same number of features for each example
   * @return this data set
   */
  public Dataset add(String name, double[] values) {
    Check.notNull(values, "add", "values");
    return column(name, Memory.Type.DOUBLE, values, values.length);
  }

  /**
   * Adds a column of class indices.
   *
   * @param name the label's name
   * @param values one a sample
   * @return this data set
   */
  public Dataset add(String name, int[] values) {
    Check.notNull(values, "add", "values");
    Check.that(
        values.length == examples,
        "add '" + name + "'",
        "an int[] holds class indices of a label: expected one for each of "
            + examples
            + " examples; pass an input's values as float[] or double[], but the number is ",
        values.length);
    return column(name, Memory.Type.LABEL, values, values.length);
  }

  /**
   * Adds a column of numbers.
   *
   * @param node the data node, known by its name
   * @param values [example][feature], the same number of features for each example
   * @return this data set
   */
  public Dataset add(Node node, float[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers.
   *
   * @param node the data node, known by its name
   * @param values [example][feature], the same number of features for each example
   * @return this data set
   */
  public Dataset add(Node node, double[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of class indices.
   *
   * @param node the label, known by its name
   * @param values one a sample
   * @return this data set
   */
  public Dataset add(Node node, int[] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers.
   *
   * @param name the data node's name
   * @param values one array an example, each of all features
   * @return this data set
   */
  public Dataset add(String name, float[][] values) {
    checkRows(name, Check.notNull(values, "add", "values").length);
    return add(name, Rows.flat("add '" + name + "'", values));
  }

  /**
   * Adds a column of numbers.
   *
   * @param node the data node, known by its name
   * @param values one array an example, each of all features
   * @return this data set
   */
  public Dataset add(Node node, float[][] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * Adds a column of numbers.
   *
   * @param name the data node's name
   * @param values one array an example, each of all features
   * @return this data set
   */
  public Dataset add(String name, double[][] values) {
    checkRows(name, Check.notNull(values, "add", "values").length);
    return add(name, Rows.flat("add '" + name + "'", values));
  }

  /**
   * Adds a column of numbers.
   *
   * @param node the data node, known by its name
   * @param values one array an example, each of all features
   * @return this data set
   */
  public Dataset add(Node node, double[][] values) {
    return add(Check.notNull(node, "add", "node").name(), values);
  }

  /**
   * What {@link #add(String, float[])} does; {@code with} is a keyword in some languages.
   *
   * @param name the data node's name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, float[] values) {
    return add(name, values);
  }

  /**
   * What {@link #add(String, double[])} does; {@code with} is a keyword in some languages.
   *
   * @param name the data node's name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, double[] values) {
    return add(name, values);
  }

  /**
   * What {@link #add(String, int[])} does; {@code with} is a keyword in some languages.
   *
   * @param name the data node's name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, int[] values) {
    return add(name, values);
  }

  /**
   * What {@link #add(String, float[][])} does; {@code with} is a keyword in some languages.
   *
   * @param name the data node's name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, float[][] values) {
    return add(name, values);
  }

  /**
   * What {@link #add(String, double[][])} does; {@code with} is a keyword in some languages.
   *
   * @param name the data node's name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(String name, double[][] values) {
    return add(name, values);
  }

  /**
   * What {@link #add(Node, float[])} does; {@code with} is a keyword in some languages.
   *
   * @param node the data node, known by its name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, float[] values) {
    return add(node, values);
  }

  /**
   * What {@link #add(Node, double[])} does; {@code with} is a keyword in some languages.
   *
   * @param node the data node, known by its name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, double[] values) {
    return add(node, values);
  }

  /**
   * What {@link #add(Node, int[])} does; {@code with} is a keyword in some languages.
   *
   * @param node the data node, known by its name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, int[] values) {
    return add(node, values);
  }

  /**
   * What {@link #add(Node, float[][])} does; {@code with} is a keyword in some languages.
   *
   * @param node the data node, known by its name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, float[][] values) {
    return add(node, values);
  }

  /**
   * What {@link #add(Node, double[][])} does; {@code with} is a keyword in some languages.
   *
   * @param node the data node, known by its name
   * @param values as for {@code add}
   * @return this data set
   */
  public Dataset with(Node node, double[][] values) {
    return add(node, values);
  }

  /**
   * How many examples.
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
          operation + ": a trainer is using this data set; all columns must come before");
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
        Memory.at(start, done, count, type).put(values, done, count);
        done += count;
      }
      columns.put(name, features);
    } finally {
      exit();
    }
    return this;
  }

  /** Gives a trainer its columns, between enter and exit. */
  synchronized void bind(NativeTrainer trainer, int batchSize) {
    trainer.bind(handle, batchSize);
    inUse = true;
  }

  /** {@return the number of examples, and each column with its features} */
  @Override
  public synchronized String toString() {
    return examples + " examples of " + columns;
  }
}
