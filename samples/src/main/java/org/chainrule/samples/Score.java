package org.chainrule.samples;

import java.util.Arrays;
import java.util.Locale;

/** How good predictions are, and what is said about it. */
final class Score {
  private Score() {}

  /** The part of the classes that are right. */
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

  /** Ends the program with exit code 1 if it has not reached what it promises. */
  static void expect(boolean reached, String promise) {
    if (!reached) {
      System.err.println("Missed: " + promise + ".");
      System.exit(1);
    }
  }
}
