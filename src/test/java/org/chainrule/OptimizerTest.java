package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * Compares ten steps of each optimizer on 0.5 ‖w − c‖², whose gradient is w − c, with the formulas
 * in Java.
 */
class OptimizerTest {
  private static final double[] START = {1, -2, 0.5};
  private static final double[] GOAL = {0.25, 3, -1};

  private static double[] train(Optimizer optimizer, int steps) {
    Graph graph = new Graph();
    Node x = graph.input("x", 1);
    Node w = graph.parameter("w", 3, Initializer.zeros());
    Node loss =
        w.subtract(graph.constant("goal", 3, 1, GOAL))
            .squaredNorm()
            .scale(0.5)
            .add(graph.squaredError(x, x).scale(0));
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build()) {
      model.set(w, START);
      try (Trainer trainer = model.trainer(loss, optimizer)) {
        Batch batch = new Batch(2).set(x, new double[2]);
        for (int i = 0; i < steps; ++i) {
          trainer.step(batch);
        }
        assertEquals(steps, trainer.steps());
        assertEquals(optimizer.learningRate(), trainer.learningRate());
        return model.getDoubles(w);
      }
    }
  }

  private static void sgd(double momentum, boolean nesterov, double decay) {
    double[] w = START.clone();
    for (int j = 0; j < w.length; ++j) {
      double v = 0;
      for (int i = 0; i < 10; ++i) {
        double g = w[j] - GOAL[j] + decay * w[j];
        v = momentum * v + g;
        w[j] -= 0.1 * (nesterov ? g + momentum * v : v);
      }
    }
    Sgd sgd = Sgd.of(0.1).momentum(momentum).nesterov(nesterov).weightDecay(decay);
    assertArrayEquals(w, train(sgd, 10), 1e-13, sgd.toString());
  }

  @Test
  void sgd() {
    sgd(0, false, 0);
    sgd(0, false, 0.1);
    sgd(0.9, false, 0);
    sgd(0.9, false, 0.1);
    sgd(0.9, true, 0);
    sgd(0.9, true, 0.1);
  }

  private static double[] adam(double rate, double decay, DoubleUnaryOperator shrink) {
    double[] w = START.clone();
    for (int j = 0; j < w.length; ++j) {
      double m = 0;
      double v = 0;
      for (int i = 1; i <= 10; ++i) {
        double g = w[j] - GOAL[j] + decay * w[j];
        w[j] = shrink.applyAsDouble(w[j]);
        m = 0.8 * m + 0.2 * g;
        v = 0.95 * v + 0.05 * g * g;
        double mHat = m / (1 - Math.pow(0.8, i));
        double vHat = v / (1 - Math.pow(0.95, i));
        w[j] -= rate * mHat / (Math.sqrt(vHat) + 1e-3);
      }
    }
    return w;
  }

  @Test
  void adam() {
    Adam adam = Adam.of(0.05).betas(0.8, 0.95).epsilon(1e-3);
    assertArrayEquals(adam(0.05, 0, w -> w), train(adam, 10), 1e-12);
    assertArrayEquals(adam(0.05, 0.3, w -> w), train(adam.weightDecay(0.3), 10), 1e-12);
  }

  @Test
  void adamW() {
    AdamW adamW = AdamW.of(0.05).betas(0.8, 0.95).epsilon(1e-3).weightDecay(0.3);
    double[] expected = adam(0.05, 0, w -> w * (1 - 0.05 * 0.3));
    assertArrayEquals(expected, train(adamW, 10), 1e-12);
  }

  private static void rmsprop(double momentum, boolean centered, double decay) {
    double[] w = START.clone();
    for (int j = 0; j < w.length; ++j) {
      double v = 0;
      double m = 0;
      double b = 0;
      for (int i = 0; i < 10; ++i) {
        double g = w[j] - GOAL[j] + decay * w[j];
        v = 0.9 * v + 0.1 * g * g;
        m = 0.9 * m + 0.1 * g;
        b = momentum * b + g / (Math.sqrt(centered ? v - m * m : v) + 1e-3);
        w[j] -= 0.05 * b;
      }
    }
    Rmsprop rmsprop =
        Rmsprop.of(0.05)
            .alpha(0.9)
            .epsilon(1e-3)
            .weightDecay(decay)
            .momentum(momentum)
            .centered(centered);
    assertArrayEquals(w, train(rmsprop, 10), 1e-12, rmsprop.toString());
  }

  @Test
  void rmsprop() {
    rmsprop(0, false, 0);
    rmsprop(0, false, 0.1);
    rmsprop(0, true, 0);
    rmsprop(0.9, false, 0);
    rmsprop(0.9, true, 0.1);
  }

  @Test
  void defaults() {
    assertEquals(new Rmsprop(1e-2, 0.99, 1e-8, 0, 0, false), Rmsprop.of());
    assertEquals(new Adam(1e-3, 0.9, 0.999, 1e-8, 0), Adam.of());
    assertEquals(new AdamW(1e-3, 0.9, 0.999, 1e-8, 0.01), AdamW.of());
    assertEquals(new Sgd(0.5, 0, false, 0), Sgd.of(0.5));
  }

  @Test
  void theLearningRateCanChange() {
    Graph graph = Nets.classifier(2, 2);
    Batch batch = Nets.batch(1, 4, 2, 2);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.5))) {
      assertEquals(0.125, trainer.learningRate(0.125).learningRate());
      trainer.step(batch);
      try (Model other = Model.create(graph, 1);
          Trainer slow = other.trainer(graph.node("loss"), Sgd.of(0.125))) {
        slow.step(batch);
        assertArrayEquals(Nets.parameters(other), Nets.parameters(model));
      }
    }
  }

  @Test
  void aLearningRateOf0ChangesNothing() {
    Graph graph = Nets.classifier(2, 2);
    Batch batch = Nets.batch(1, 4, 2, 2);
    try (Model model = Model.create(graph, 1);
        Trainer still = model.trainer(graph.node("loss"), Sgd.of(0));
        Trainer stopped = model.trainer(graph.node("loss"), Sgd.of(1)).learningRate(0)) {
      assertEquals(0, still.learningRate());
      var before = Nets.parameters(model);
      assertEquals(still.step(batch), stopped.step(batch));
      assertArrayEquals(before, Nets.parameters(model));
    }
  }

  @Test
  void settingsThatAFloatCannotHoldAreRefused() {
    Graph graph = Nets.classifier(2, 2);
    Adam tiny = Adam.of().epsilon(1e-46);
    try (Model floats = Model.create(graph, 1);
        Model doubles = Model.builder(graph).dataType(DataType.DOUBLE).build()) {
      var thrown =
          assertThrows(
              IllegalArgumentException.class, () -> floats.trainer(graph.node("loss"), tiny));
      assertEquals(
          "optimizer adam: epsilon must be above 0 and finite, but got 1e-46, which is 0 in a model"
              + " of floats",
          thrown.getMessage());
      doubles.trainer(graph.node("loss"), tiny).close();
      for (Optimizer o : List.of(Sgd.of(1e-46), Sgd.of(0.1).weightDecay(1e-50), Adam.of(1e-46))) {
        String message =
            assertThrows(
                    IllegalArgumentException.class, () -> floats.trainer(graph.node("loss"), o))
                .getMessage();
        assertTrue(message.contains("which is 0 in a model of floats"), message);
        doubles.trainer(graph.node("loss"), o).close();
      }
      try (Trainer trainer = floats.trainer(graph.node("loss"), Sgd.of(0.1))) {
        assertThrows(IllegalArgumentException.class, () -> trainer.learningRate(1e-46));
        assertEquals(0.1, trainer.learningRate());
      }
    }
  }
}
