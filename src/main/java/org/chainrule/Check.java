package org.chainrule;

import org.jspecify.annotations.Nullable;

/** Refuses what a caller passed, with a sentence; the happy path allocates nothing. */
final class Check {
  private Check() {}

  static <T> T notNull(@Nullable T value, String operation, String what) {
    if (value == null) {
      throw new IllegalArgumentException(operation + ": the " + what + " must not be null");
    }
    return value;
  }

  static void that(boolean holds, String operation, String sentence, Object came) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + came);
    }
  }

  static void that(boolean holds, String operation, String sentence, long came) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + came);
    }
  }

  static void that(boolean holds, String operation, String sentence, double came) {
    if (!holds) {
      throw new IllegalArgumentException(operation + ": " + sentence + came);
    }
  }

  /** The size of an array of {@code a * b} values. */
  static int size(String operation, long a, long b) {
    if (a < 0 || b < 0 || (b != 0 && a > Integer.MAX_VALUE / b)) {
      throw new IllegalArgumentException(
          operation + ": " + a + " x " + b + " values are more than an array can hold");
    }
    return (int) (a * b);
  }

  /** A name that C can hold. */
  static String name(String name, String operation) {
    notNull(name, operation, "name");
    that(!name.isEmpty(), operation, "a name must not be empty", "");
    that(name.indexOf('\0') < 0, operation, "a name must not contain the character 0", "");
    return name;
  }

  /** What all optimizers have. */
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

  /** What keeps a denominator away from 0. */
  static void positive(String name, String what, double value) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(
          name + ": " + what + " must be above 0 and finite, but got " + value);
    }
  }

  /** A factor of a moving average. */
  static void factor(String name, String what, double factor) {
    if (!(factor >= 0 && factor < 1)) {
      throw new IllegalArgumentException(
          name + ": " + what + " must be at least 0 and less than 1, but got " + factor);
    }
  }
}
