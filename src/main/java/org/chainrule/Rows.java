package org.chainrule;

/**
 * Converts two-dimensional arrays, which have one row per sample, to the flat arrays that the other
 * classes use, and back.
 */
final class Rows {
  private Rows() {}

  /**
   * Concatenates the rows. Throws IllegalArgumentException if there are no rows, if a row is null,
   * or if rows differ in length.
   */
  static float[] flat(String operation, float[][] rows) {
    int width = width(operation, rows, rows == null || rows.length == 0 ? null : rows[0]);
    float[] flat = new float[Check.size(operation, rows.length, width)];
    for (int i = 0; i < rows.length; ++i) {
      check(operation, i, rows[i] == null ? -1 : rows[i].length, width);
      System.arraycopy(rows[i], 0, flat, i * width, width);
    }
    return flat;
  }

  /**
   * Concatenates the rows. Throws IllegalArgumentException if there are no rows, if a row is null,
   * or if rows differ in length.
   */
  static double[] flat(String operation, double[][] rows) {
    int width = width(operation, rows, rows == null || rows.length == 0 ? null : rows[0]);
    double[] flat = new double[Check.size(operation, rows.length, width)];
    for (int i = 0; i < rows.length; ++i) {
      check(operation, i, rows[i] == null ? -1 : rows[i].length, width);
      System.arraycopy(rows[i], 0, flat, i * width, width);
    }
    return flat;
  }

  /** Splits a flat array into rows of {@code width} values. */
  static float[][] of(float[] flat, long width) {
    float[][] rows = new float[Math.toIntExact(flat.length / width)][(int) width];
    for (int i = 0; i < rows.length; ++i) {
      System.arraycopy(flat, i * (int) width, rows[i], 0, (int) width);
    }
    return rows;
  }

  /** Splits a flat array into rows of {@code width} values. */
  static double[][] of(double[] flat, long width) {
    double[][] rows = new double[Math.toIntExact(flat.length / width)][(int) width];
    for (int i = 0; i < rows.length; ++i) {
      System.arraycopy(flat, i * (int) width, rows[i], 0, (int) width);
    }
    return rows;
  }

  private static int width(String operation, Object[] rows, Object first) {
    Check.notNull(rows, operation, "values");
    Check.that(rows.length > 0, operation, "expected at least one sample, but got ", 0);
    Check.notNull(first, operation, "array of sample 0");
    return java.lang.reflect.Array.getLength(first);
  }

  private static void check(String operation, int row, int length, int width) {
    if (length != width) {
      throw new IllegalArgumentException(
          operation
              + ": expected the same number of values for each sample, but sample 0 has "
              + width
              + " and sample "
              + row
              + (length < 0 ? " is null" : " has " + length));
    }
  }
}
