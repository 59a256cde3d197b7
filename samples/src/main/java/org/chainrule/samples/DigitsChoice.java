package org.chainrule.samples;

import java.util.List;
import org.chainrule.samples.DigitsNetwork.Settings;

/**
 * Selects the settings of {@link Digits} by cross-validation within the training part, which is
 * three quarters of the digits. It does not use the held-out quarter.
 */
public final class DigitsChoice {
  private static final int FOLDS = 4;
  private static final List<Settings> CANDIDATES =
      List.of(
          new Settings(List.of(128, 64), false, 0.05, 60),
          new Settings(List.of(128, 64), false, 0.1, 60),
          new Settings(List.of(256, 128), false, 0.05, 60),
          new Settings(List.of(256, 128), false, 0.1, 60),
          new Settings(List.of(128, 64), true, 0.05, 20),
          new Settings(List.of(128, 64), true, 0.1, 20),
          new Settings(List.of(256, 128), true, 0.05, 20),
          new Settings(List.of(256, 128), true, 0.1, 20));

  private DigitsChoice() {}

  /**
   * Prints each candidate's mean and worst accuracy over all folds of two cross-validations.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Table digits = Digits.trainingPart();
    for (Settings settings : CANDIDATES) {
      double sum = 0;
      double worst = 1;
      int runs = 0;
      for (long seed = 1; seed <= 2; ++seed) {
        for (Split fold : Split.folds(digits.labels(DigitsNetwork.PIXELS), FOLDS, seed)) {
          try (DigitsNetwork network = new DigitsNetwork(settings, seed)) {
            network.train("run " + ++runs, digits.select(fold.training()));
            double accuracy = network.accuracy(digits.select(fold.heldOut()));
            sum += accuracy;
            worst = Math.min(worst, accuracy);
          }
        }
      }
      Score.print(
          "%s: mean %s, worst %s", settings, Score.percent(sum / runs), Score.percent(worst));
    }
  }
}
