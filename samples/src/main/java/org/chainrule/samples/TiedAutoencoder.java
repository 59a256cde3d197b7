package org.chainrule.samples;

import org.chainrule.Adam;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.chainrule.Trainer;

/**
 * Encodes each digit's 64 pixels as 16 numbers and reconstructs the digit from them. Encoder and
 * decoder share one weight: h = σ(W x + b) and Wᵀ h + c, so that W's gradient is a sum of two.
 */
public final class TiedAutoencoder {
  /** The largest accepted error, relative to the error of the mean image for every digit. */
  static final double MOST_ERROR = 0.25;

  private static final int PIXELS = DigitsNetwork.PIXELS;
  private static final int SIDE = DigitsNetwork.SIDE;
  private static final int CODE = 16;
  private static final int BATCH_SIZE = 32;
  private static final int EPOCHS = 100;
  private static final double LEARNING_RATE = 0.005;
  private static final String SHADES = " .:-=+*#%@";

  private TiedAutoencoder() {}

  /** Mean squared errors per pixel on the held-out digits, and the digits before and after. */
  record Result(
      double error, double meanImageError, float[] before, float[] after, Training training) {}

  /**
   * Trains, prints the results and draws one digit before and after.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Result result = run();
    for (int y = 0; y < SIDE; ++y) {
      Score.print("  %s   %s", line(result.before(), y), line(result.after(), y));
    }
    Score.print(
        "error %.4f, error of the mean image %.4f, ratio %s",
        result.error(),
        result.meanImageError(),
        Score.percent(result.error() / result.meanImageError()));
    Score.print("%s", result.training());
    Score.expect(
        result.error() <= MOST_ERROR * result.meanImageError(), "25 % of the mean image's error");
  }

  static Result run() {
    float[] seen = brightness(Digits.trainingPart());
    float[] heldOut = brightness(Digits.heldOutPart());
    try (Graph graph = new Graph()) {
      Node loss = build(graph);
      Node x = graph.node("x");
      Node drawn = graph.node("drawn");
      try (Model model = Model.create(graph, 1);
          Trainer trainer = model.trainer(loss, Adam.of(LEARNING_RATE));
          Dataset data = Dataset.of(seen.length / PIXELS).with(x, seen);
          Predictor predictor = model.predictor(drawn)) {
        Training training = Training.fit("autoencoder", trainer, data, BATCH_SIZE, EPOCHS);
        float[] after = predictor.predict(heldOut);
        return new Result(
            meanSquare(heldOut, after),
            meanSquare(heldOut, meanImages(seen, heldOut.length)),
            heldOut,
            after,
            training);
      }
    }
  }

  /** Adds the network to a graph and returns the loss. */
  static Node build(Graph graph) {
    Node x = graph.input("x", PIXELS);
    Node weight = graph.parameter("W", CODE, PIXELS, Initializer.glorotUniform());
    Node b = graph.parameter("b", CODE, Initializer.zeros());
    Node c = graph.parameter("c", PIXELS, Initializer.zeros());
    Node z = graph.linear(x, weight, b);
    Node h = graph.sigmoid(z).named("h");
    Node drawn = graph.linearTransposed(h, weight, c).named("drawn");
    return graph.meanSquaredError(drawn, x);
  }

  private static float[] brightness(Table digits) {
    float[] values = digits.floats(0, PIXELS);
    for (int i = 0; i < values.length; ++i) {
      values[i] /= (float) DigitsNetwork.BRIGHTEST;
    }
    return values;
  }

  private static double meanSquare(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; ++i) {
      sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
    }
    return sum / a.length;
  }

  /** Returns the mean of all images, repeated up to the given length. */
  private static float[] meanImages(float[] images, int length) {
    double[] sums = new double[PIXELS];
    for (int i = 0; i < images.length; ++i) {
      sums[i % PIXELS] += images[i];
    }
    float[] means = new float[length];
    for (int i = 0; i < length; ++i) {
      means[i] = (float) (sums[i % PIXELS] * PIXELS / images.length);
    }
    return means;
  }

  /** Returns one line of the first image, with two characters per pixel. */
  private static String line(float[] images, int y) {
    StringBuilder line = new StringBuilder();
    for (int x = 0; x < SIDE; ++x) {
      double value = Math.max(0, Math.min(1, images[y * SIDE + x]));
      char shade = SHADES.charAt((int) Math.round(value * (SHADES.length() - 1)));
      line.append(shade).append(shade);
    }
    return line.toString();
  }
}
