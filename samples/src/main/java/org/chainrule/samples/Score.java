package org.chainrule.samples;

import java.util.Arrays;
import java.util.Locale;

/** Measures the quality of predictions and prints results. */
final class Score {
  private Score() {}

  /** Returns the share of correct classes. */
  static double accuracy(int[] predicted, int[] labels) {
    int right = 0;
    for (int i = 0; i < labels.length; ++i) {
      right += predicted[i] == labels[i] ? 1 : 0;
    }
    return (double) right / labels.length;
  }

  static double median(double... values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  static String percent(double part) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * part);
  }

  static void print(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }

  /** Ends the program with exit code 1 if the expected result was not reached. */
  static void expect(boolean reached, String goal) {
    if (!reached) {
      System.err.println("Missed: " + goal + ".");
      System.exit(1);
    }
  }
}
