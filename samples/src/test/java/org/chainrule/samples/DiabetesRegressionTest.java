package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class DiabetesRegressionTest {
  @Test
  void agreesWithLeastSquares() {
    DiabetesRegression.Result result = DiabetesRegression.run();
    assertTrue(result.rSquared() >= DiabetesRegression.LEAST_R_SQUARED, "R² " + result.rSquared());
    double[] expected = leastSquares(DiabetesRegression.patients());
    double[] learned = result.coefficients();
    for (int i = 0; i < learned.length; ++i) {
      double tolerance = 1e-4 * Math.abs(expected[i]);
      assertEquals(expected[i], learned[i], tolerance, DiabetesRegression.NAMES.get(i));
    }
    double bias = expected[learned.length];
    assertEquals(bias, result.bias(), 1e-4 * bias, "bias");
  }

  /** Solves min ‖A c − y‖ by QR: Gram-Schmidt on the columns of A, the last of which is ones. */
  private static double[] leastSquares(Table patients) {
    int n = DiabetesRegression.NAMES.size() + 1;
    int m = patients.size();
    double[][] q = new double[n][m];
    double[] y = patients.doubles(n - 1, n);
    double[][] r = new double[n][n];
    double[] c = new double[n];
    for (int j = 0; j < n; ++j) {
      for (int i = 0; i < m; ++i) {
        q[j][i] = j == n - 1 ? 1 : patients.rows()[i][j];
      }
      for (int k = 0; k < j; ++k) {
        r[k][j] = dot(q[k], q[j]);
        subtract(q[j], q[k], r[k][j]);
      }
      r[j][j] = Math.sqrt(dot(q[j], q[j]));
      for (int i = 0; i < m; ++i) {
        q[j][i] /= r[j][j];
      }
      c[j] = dot(q[j], y);
      subtract(y, q[j], c[j]);
    }
    for (int j = n - 1; j >= 0; --j) {
      for (int k = j + 1; k < n; ++k) {
        c[j] -= r[j][k] * c[k];
      }
      c[j] /= r[j][j];
    }
    return c;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; ++i) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static void subtract(double[] from, double[] direction, double length) {
    for (int i = 0; i < from.length; ++i) {
      from[i] -= length * direction[i];
    }
  }
}
