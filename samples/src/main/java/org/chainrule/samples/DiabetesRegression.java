package org.chainrule.samples;

import java.util.Arrays;
import java.util.List;
import org.chainrule.DataType;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/**
 * Linear regression: how far does a patient's diabetes progress in a year? Gradient descent over
 * all 442 patients at once, in double, converges to the least-squares solution.
 */
public final class DiabetesRegression {
  static final List<String> NAMES =
      List.of("age", "sex", "BMI", "pressure", "TC", "LDL", "HDL", "TC/HDL", "LTG", "glucose");
  static final double LEAST_R_SQUARED = 0.51;

  private static final int VARIABLES = NAMES.size();
  private static final int EPOCHS = 20_000;
  private static final double LEARNING_RATE = 0.1;
  private static final double MOMENTUM = 0.9;

  private DiabetesRegression() {}

  /** The coefficients of the standardised variables, and how well they explain the target. */
  record Result(
      double[] coefficients, double bias, double error, double rSquared, Training training) {}

  /**
   * Trains and prints the results.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Result result = run();
    for (int i = 0; i < VARIABLES; ++i) {
      Score.print("%10s %8.2f", NAMES.get(i), result.coefficients()[i]);
    }
    Score.print("%10s %8.2f", "bias", result.bias());
    Score.print("mean squared error %.1f, R² %.4f", result.error(), result.rSquared());
    Score.print("%s", result.training());
    Score.expect(result.rSquared() >= LEAST_R_SQUARED, "R² of " + LEAST_R_SQUARED);
  }

  /** Returns the patients with standardised variables and the unchanged target. */
  static Table patients() {
    Table table = Table.diabetes();
    return table.standardized(VARIABLES, table);
  }

  static Result run() {
    Table patients = patients();
    double[] variables = patients.doubles(0, VARIABLES);
    double[] progression = patients.doubles(VARIABLES, VARIABLES + 1);
    try (Graph graph = new Graph()) {
      Node x = graph.input("variables", VARIABLES);
      Node y = graph.target("progression", 1);
      Node prediction = x.linear(1, "regression");
      Node loss = graph.squaredError(prediction, y);
      try (Model model = Model.builder(graph).seed(1).dataType(DataType.DOUBLE).build();
          Trainer trainer = model.trainer(loss, Sgd.of(LEARNING_RATE).momentum(MOMENTUM));
          Dataset data = Dataset.of(patients.size()).with(x, variables).with(y, progression);
          Predictor predictor = model.predictor(prediction)) {
        Training training = Training.fit("diabetes", trainer, data, patients.size(), EPOCHS);
        double error = meanSquare(progression, predictor.predict(variables));
        return new Result(
            model.getDoubles(graph.node("regression.weight")),
            model.getDoubles(graph.node("regression.bias"))[0],
            error,
            1 - error / meanSquare(progression, means(progression)),
            training);
      }
    }
  }

  private static double meanSquare(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; ++i) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum / a.length;
  }

  private static double[] means(double[] values) {
    double[] means = new double[values.length];
    Arrays.fill(means, Arrays.stream(values).average().orElseThrow());
    return means;
  }
}
