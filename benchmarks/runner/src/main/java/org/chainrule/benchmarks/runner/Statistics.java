package org.chainrule.benchmarks.runner;

import java.util.Arrays;

/** The statistics that the tables need. */
final class Statistics {
  private Statistics() {}

  /** Returns the median, or NaN if there are no values. */
  static double median(double... values) {
    return quantile(0.5, values);
  }

  /** Returns a quantile, linearly interpolated between the two nearest values. */
  static double quantile(double share, double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double position = share * (sorted.length - 1);
    int below = (int) Math.floor(position);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
  }

  /** Returns (largest - smallest) / median, which shows how much rounds differ. */
  static double spread(double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double smallest = Arrays.stream(values).min().orElseThrow();
    double largest = Arrays.stream(values).max().orElseThrow();
    return (largest - smallest) / median(values);
  }

  /** Returns the interquartile range / median, which shows how much samples differ. */
  static double interquartile(double... values) {
    return (quantile(0.75, values) - quantile(0.25, values)) / median(values);
  }
}
