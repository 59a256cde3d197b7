package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Linear regression by gradient descent agrees with the solution of a QR decomposition. */
class LeastSquaresTest {
  private static final int EXAMPLES = 400;
  private static final int FEATURES = 10;

  /** Returns the least-squares solution by Householder reflections. Overwrites its arguments. */
  static double[] solve(double[][] a, double[] b) {
    int n = a[0].length;
    for (int k = 0; k < n; ++k) {
      double norm = 0;
      for (int i = k; i < a.length; ++i) {
        norm = Math.hypot(norm, a[i][k]);
      }
      double alpha = a[k][k] > 0 ? -norm : norm;
      double[] v = new double[a.length];
      double vv = 0;
      for (int i = k; i < a.length; ++i) {
        v[i] = a[i][k] - (i == k ? alpha : 0);
        vv += v[i] * v[i];
      }
      for (int j = k; j <= n; ++j) {
        double dot = 0;
        for (int i = k; i < a.length; ++i) {
          dot += v[i] * (j < n ? a[i][j] : b[i]);
        }
        for (int i = k; i < a.length; ++i) {
          double change = 2 * dot / vv * v[i];
          if (j < n) {
            a[i][j] -= change;
          } else {
            b[i] -= change;
          }
        }
      }
    }
    double[] x = new double[n];
    for (int k = n - 1; k >= 0; --k) {
      double sum = b[k];
      for (int j = k + 1; j < n; ++j) {
        sum -= a[k][j] * x[j];
      }
      x[k] = sum / a[k][k];
    }
    return x;
  }

  private static void standardize(double[][] rows) {
    for (int f = 0; f < FEATURES; ++f) {
      double mean = 0;
      for (double[] row : rows) {
        mean += row[f] / rows.length;
      }
      double variance = 0;
      for (double[] row : rows) {
        variance += (row[f] - mean) * (row[f] - mean) / rows.length;
      }
      for (double[] row : rows) {
        row[f] = (row[f] - mean) / Math.sqrt(variance);
      }
    }
  }

  @Test
  void linearRegressionAgreesWithQr() {
    Random random = new Random(7);
    double[][] rows = new double[EXAMPLES][FEATURES];
    double[] targets = new double[EXAMPLES];
    for (int i = 0; i < EXAMPLES; ++i) {
      double common = random.nextGaussian();
      for (int f = 0; f < FEATURES; ++f) {
        // the features are correlated, like those of real data
        rows[i][f] = 5 * f + (f + 1) * (random.nextGaussian() + 0.7 * common);
        targets[i] += (f - 4.5) * rows[i][f];
      }
      targets[i] += 150 + 20 * random.nextGaussian();
    }
    standardize(rows);
    double[] x = new double[EXAMPLES * FEATURES];
    double[][] a = new double[EXAMPLES][FEATURES + 1];
    for (int i = 0; i < EXAMPLES; ++i) {
      System.arraycopy(rows[i], 0, x, i * FEATURES, FEATURES);
      System.arraycopy(rows[i], 0, a[i], 0, FEATURES);
      a[i][FEATURES] = 1;
    }
    double[] expected = solve(a, targets.clone());

    Graph graph = new Graph();
    Node input = graph.input("x", FEATURES);
    Node target = graph.target("target", 1);
    Node prediction = input.linear(1, "prediction");
    Node loss = graph.squaredError(prediction, target);
    try (Model model = Model.builder(graph).seed(1).dataType(DataType.DOUBLE).build();
        Trainer trainer = model.trainer(loss, Sgd.of(0.05));
        Dataset data = Dataset.of(EXAMPLES).with(input, x).with(target, targets)) {
      trainer.shuffle(false).fit(data, EXAMPLES, 3000);
      double[] weight = model.getDoubles(graph.node("prediction.weight"));
      double[] bias = model.getDoubles(graph.node("prediction.bias"));
      for (int f = 0; f <= FEATURES; ++f) {
        double found = f < FEATURES ? weight[f] : bias[0];
        double error = Math.abs(found - expected[f]) / Math.abs(expected[f]);
        assertTrue(error < 1e-4, f + ": expected " + expected[f] + ", got " + found);
      }
    }
  }
}
