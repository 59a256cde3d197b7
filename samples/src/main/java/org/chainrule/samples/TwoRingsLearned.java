package org.chainrule.samples;

import org.chainrule.Adam;

/**
 * Classifies the points of {@link TwoRings} without hand-written features: a layer of sigmoids
 * learns the features.
 */
public final class TwoRingsLearned {
  static final double LEAST_ACCURACY = 0.98;

  private static final int FEATURES = 16;
  private static final int EPOCHS = 200;
  private static final double LEARNING_RATE = 0.02;

  private TwoRingsLearned() {}

  /**
   * Trains and prints the results.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Rings.Result result = run();
    Score.print("%d learned features: %s", FEATURES, result);
    Score.expect(result.accuracy() >= LEAST_ACCURACY, "an accuracy of 98 %");
  }

  static Rings.Result run() {
    return Rings.learn(
        "learned features", x -> x.linear(FEATURES).sigmoid(), Adam.of(LEARNING_RATE), EPOCHS);
  }
}
