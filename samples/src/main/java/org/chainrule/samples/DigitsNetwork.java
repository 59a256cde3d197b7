package org.chainrule.samples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.chainrule.Dataset;
import org.chainrule.Device;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/** A deep ReLU network that classifies handwritten digits of 8 x 8 pixels. */
final class DigitsNetwork implements AutoCloseable {
  static final int SIDE = 8;
  static final int PIXELS = SIDE * SIDE;
  static final int CLASSES = 10;

  /** The largest value of a pixel. */
  static final double BRIGHTEST = 16;

  private static final int BATCH_SIZE = 32;
  private static final double MOMENTUM = 0.9;
  private static final double WEIGHT_DECAY = 1e-4;

  /**
   * The settings of a training.
   *
   * @param hidden the sizes of the hidden layers
   * @param shifts true if each digit is also shifted by one pixel in four directions
   * @param learningRate the learning rate of the first epoch; it falls to 0 along half a cosine
   *     wave
   * @param epochs the number of epochs over all images, including the shifted ones
   */
  record Settings(List<Integer> hidden, boolean shifts, double learningRate, int epochs) {}

  private final Settings settings;
  private final Graph graph = new Graph();
  private final Node pixels = graph.input("pixels", PIXELS);
  private final Node label = graph.label("digit", CLASSES);
  private final Node logits;
  private final Node loss;
  private final Model model;

  DigitsNetwork(Settings settings, long seed) {
    this(settings, seed, Device.cpu());
  }

  DigitsNetwork(Settings settings, long seed, Device device) {
    this.settings = settings;
    Node layer = pixels.scale(1 / BRIGHTEST);
    for (int size : settings.hidden()) {
      layer = layer.linear(size).relu();
    }
    logits = layer.linear(CLASSES, "logits");
    loss = graph.softmaxCrossEntropy(logits, label);
    model = Model.create(graph, seed, device);
  }

  Training train(String task, Table digits) {
    Table images = settings.shifts() ? withShifts(digits) : digits;
    Sgd optimizer = Sgd.of(settings.learningRate()).momentum(MOMENTUM).weightDecay(WEIGHT_DECAY);
    try (Trainer trainer = model.trainer(loss, optimizer);
        Dataset data =
            Dataset.of(images.size())
                .with(pixels, images.floats(0, PIXELS))
                .with(label, images.labels(PIXELS))) {
      return Training.fit(
          task,
          trainer,
          data,
          BATCH_SIZE,
          settings.epochs(),
          progress -> trainer.learningRate(learningRate(progress.epoch())));
    }
  }

  double accuracy(Table digits) {
    try (Predictor predictor = model.predictor(logits)) {
      int[] predicted = predictor.classify(digits.floats(0, PIXELS));
      return Score.accuracy(predicted, digits.labels(PIXELS));
    }
  }

  float[] logits(Table digits) {
    try (Predictor predictor = model.predictor(logits)) {
      return predictor.predict(digits.floats(0, PIXELS));
    }
  }

  Model model() {
    return model;
  }

  Node loss() {
    return loss;
  }

  @Override
  public void close() {
    model.close();
    graph.close();
  }

  private double learningRate(long epoch) {
    double part = (double) epoch / settings.epochs();
    return settings.learningRate() * (1 + Math.cos(Math.PI * part)) / 2;
  }

  /** Returns the digits unchanged, then shifted left, right, up and down. */
  private static Table withShifts(Table digits) {
    List<double[]> rows = new ArrayList<>(Arrays.asList(digits.rows()));
    for (double[] row : digits.rows()) {
      rows.add(shifted(row, 0, -1));
      rows.add(shifted(row, 0, 1));
      rows.add(shifted(row, -1, 0));
      rows.add(shifted(row, 1, 0));
    }
    return new Table(rows.toArray(double[][]::new));
  }

  private static double[] shifted(double[] row, int down, int right) {
    double[] result = new double[PIXELS + 1]; // 0 is background
    result[PIXELS] = row[PIXELS];
    for (int y = Math.max(0, down); y < Math.min(SIDE, SIDE + down); ++y) {
      for (int x = Math.max(0, right); x < Math.min(SIDE, SIDE + right); ++x) {
        result[y * SIDE + x] = row[(y - down) * SIDE + x - right];
      }
    }
    return result;
  }
}
