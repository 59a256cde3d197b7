package org.chainrule;

import org.jspecify.annotations.Nullable;

/**
 * Checks of arguments. A failed check throws IllegalArgumentException with the name of the
 * operation and a sentence; a successful check allocates nothing.
 */
final class Check {
  private Check() {}

  static <T> T notNull(@Nullable T value, String operation, String what) {
    if (value == null) {
      throw new IllegalArgumentException(operation + ": the " + what + " must not be null");
    }
    return value;
  }

  static void that(boolean holds, String operation, String sentence, Object got) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + got);
    }
  }

  static void that(boolean holds, String operation, String sentence, long got) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + got);
    }
  }

  static void that(boolean holds, String operation, String sentence, double got) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + got);
    }
  }

  /** Returns {@code a * b}. Throws IllegalArgumentException if an array cannot have this size. */
  static int size(String operation, long a, long b) {
    if (a < 0 || b < 0 || (b != 0 && a > Integer.MAX_VALUE / b)) {
      throw new IllegalArgumentException(
          operation
              + ": expected at most "
              + Integer.MAX_VALUE
              + " values, which fit into an array, but got "
              + a
              + " x "
              + b);
    }
    return (int) (a * b);
  }

  /**
   * Returns {@code name}. Throws IllegalArgumentException if it is null or empty, or if it contains
   * the character 0, which would end it in C.
   */
  static String name(String name, String operation) {
    notNull(name, operation, "name");
    that(!name.isEmpty(), operation, "a name must not be empty", "");
    that(name.indexOf('\0') < 0, operation, "a name must not contain the character 0", "");
    return name;
  }

  /** Checks the settings that all optimizers have. */
  static void optimizer(String name, double learningRate, double weightDecay) {
    that(
        learningRate >= 0 && Double.isFinite(learningRate),
        name,
        "the learning rate must be 0 or more and finite, but got ",
        learningRate);
    that(
        weightDecay >= 0 && Double.isFinite(weightDecay),
        name,
        "the weight decay must be 0 or more and finite, but got ",
        weightDecay);
  }

  /** Checks a number that is added to a denominator to keep it above 0. */
  static void positive(String name, String what, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(
          name + ": " + what + " must be above 0 and finite, but got " + value);
    }
  }

  /** Checks a factor of a moving average. */
  static void factor(String name, String what, double factor) {
    if (!(factor >= 0 && factor < 1)) {
      throw new IllegalArgumentException(
          name + ": " + what + " must be at least 0 and less than 1, but got " + factor);
    }
  }
}
