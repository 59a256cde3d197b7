package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Dropout is active only in training steps. Gradients and statistics drop the same values as the
 * step that they describe.
 */
class DropoutTest {
  private static final int SAMPLES = 40;

  /** Two layers with dropout between them. The node of the dropout is named "kept". */
  private static Graph network(double rate) {
    Graph graph = new Graph();
    Node kept = graph.input("x", 6).linear(20, "hidden").relu().dropout(rate).named("kept");
    graph.meanSquaredError(kept.linear(2, "out"), graph.target("y", 2)).named("loss");
    return graph;
  }

  private static float[] values(int count, int seed) {
    float[] values = new float[count];
    for (int i = 0; i < count; ++i) {
      values[i] = (float) Math.sin(seed + 1.7 * i);
    }
    return values;
  }

  private static Batch batch() {
    return new Batch(SAMPLES).set("x", values(SAMPLES * 6, 1)).set("y", values(SAMPLES * 2, 2));
  }

  private static Dataset dataset() {
    return Dataset.of(SAMPLES).add("x", values(SAMPLES * 6, 1)).add("y", values(SAMPLES * 2, 2));
  }

  @Test
  void evaluationsAndPredictionsDropNothing() {
    try (Graph graph = network(0.6);
        Graph without = network(0);
        Model model = Model.create(graph, 3);
        Model plain = Model.create(without, 3);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0));
        Trainer plainTrainer = plain.trainer(without.node("loss"), Sgd.of(0));
        Predictor predictor = model.predictor(graph.node("kept"));
        Predictor plainPredictor = plain.predictor(without.node("kept"))) {
      Batch batch = batch();
      double loss = plainTrainer.evaluate(batch);
      assertEquals(loss, trainer.evaluate(batch));
      float[] x = values(SAMPLES * 6, 1);
      assertArrayEquals(plainPredictor.predict(x), predictor.predict(x));
      assertEquals(loss, plainTrainer.step(batch), 1e-6);
      double first = trainer.step(batch);
      double second = trainer.step(batch);
      assertNotEquals(loss, first, 1e-6);
      // the learning rate is 0: the losses differ only because each step drops other values
      assertNotEquals(first, second, 1e-6);
    }
  }

  @Test
  void gradientsAndStatisticsAreThoseOfTheStep() {
    try (Graph graph = network(0.5);
        Model model = Model.create(graph, 3);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0));
        Gradients gradients = Gradients.of(model, graph.node("loss"))) {
      Batch batch = batch();
      for (int step = 0; step < 3; ++step) {
        double loss = gradients.stepsBefore(step).compute(batch);
        NodeStatistics last = null;
        for (NodeStatistics one : gradients.statistics(batch)) {
          last = one;
        }
        assertEquals("loss", last.node().name());
        assertEquals(loss, last.mean(), 1e-6);
        assertEquals(loss, trainer.step(batch));
      }
      assertTrue(GradientCheck.of(model, graph.node("loss")).run(batch).passed());
    }
  }

  @Test
  void aResumedTrainingDropsTheSameValues(@TempDir Path folder) {
    Path file = folder.resolve("half.safetensors");
    try (Graph graph = network(0.35);
        Dataset data = dataset();
        Model whole = Model.create(graph, 3);
        Model half = Model.create(graph, 3);
        Trainer trainer = whole.trainer(graph.node("loss"), Adam.of(0.01));
        Trainer first = half.trainer(graph.node("loss"), Adam.of(0.01))) {
      trainer.fitSteps(data, 16, 11);
      first.fitSteps(data, 16, 5);
      first.save(file);
      try (Trainer resumed = Trainer.resume(file)) {
        assertEquals(0.35, resumed.model().graph().node("kept").constant());
        assertEquals(Op.DROPOUT, resumed.model().graph().node("kept").op());
        resumed.fitSteps(data, 16, 6);
        for (Node parameter : whole.parameters()) {
          assertArrayEquals(
              whole.getFloats(parameter),
              resumed.model().getFloats(resumed.model().graph().node(parameter.name())));
        }
      }
    }
  }

  @Test
  void aRateIsAtLeastZeroAndLessThanOne() {
    for (double rate : new double[] {-0.1, 1, 2, Double.NaN, Double.POSITIVE_INFINITY}) {
      IllegalArgumentException thrown =
          assertThrows(IllegalArgumentException.class, () -> network(rate));
      assertTrue(
          thrown.getMessage().contains("rate must be at least 0 and less than 1"),
          thrown.getMessage());
    }
    try (Graph graph = network(1 - 1e-12)) {
      IllegalArgumentException thrown =
          assertThrows(IllegalArgumentException.class, () -> Model.create(graph, 1));
      assertTrue(thrown.getMessage().contains("as a float"), thrown.getMessage());
      Model.builder(graph).dataType(DataType.DOUBLE).build().close();
    }
  }
}
