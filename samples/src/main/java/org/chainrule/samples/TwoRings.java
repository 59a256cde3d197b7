package org.chainrule.samples;

import java.util.function.UnaryOperator;
import org.chainrule.Node;
import org.chainrule.Optimizer;
import org.chainrule.Sgd;

/**
 * Logistic regression on two rings. On the points themselves it is no better than chance. On the
 * polynomial features x₁, x₂, x₁², x₂², x₁x₂ it succeeds, because a plane separates the rings.
 */
public final class TwoRings {
  static final double MOST_RAW_ACCURACY = 0.65;
  static final double LEAST_ACCURACY = 0.98;

  private static final int EPOCHS = 100;
  private static final Optimizer OPTIMIZER = Sgd.of(0.1);

  private TwoRings() {}

  /** The results of the same regression without and with polynomial features. */
  record Result(Rings.Result raw, Rings.Result polynomial) {}

  /**
   * Trains twice and prints the results.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Result result = run();
    Score.print("raw points:          %s", result.raw());
    Score.print("polynomial features: %s", result.polynomial());
    Score.expect(result.raw().accuracy() <= MOST_RAW_ACCURACY, "at most 65 % with raw points");
    Score.expect(result.polynomial().accuracy() >= LEAST_ACCURACY, "98 % with the features");
  }

  static Result run() {
    return new Result(
        Rings.learn("raw points", UnaryOperator.identity(), OPTIMIZER, EPOCHS),
        Rings.learn("polynomial", Node::polynomialFeatures, OPTIMIZER, EPOCHS));
  }
}
