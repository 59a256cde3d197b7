package org.chainrule.benchmarks.runner;

import java.util.Arrays;

/** The little that is needed of it. */
final class Statistics {
  private Statistics() {}

  /** The middle one, or the mean of the two in the middle; NaN of nothing. */
  static double median(double... values) {
    return quantile(0.5, values);
  }

  /** Between the two nearest values. */
  static double quantile(double share, double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double place = share * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** (Largest - least) / median: what rounds differ by. */
  static double spread(double... values) {
    if (values.length == 0) {
      return Double.NaN;
    }
    double least = Arrays.stream(values).min().orElseThrow();
    double largest = Arrays.stream(values).max().orElseThrow();
    return (largest - least) / median(values);
  }

  /** Interquartile range / median: what the samples of a process differ by. */
  static double interquartile(double... values) {
    return (quantile(0.75, values) - quantile(0.25, values)) / median(values);
  }
}
