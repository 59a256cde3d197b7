package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Layer normalization through the Java API. */
class LayerNormTest {
  private static final double EPSILON = 1e-5;

  @Test
  void normalizesTheFeaturesOfEachSample() {
    Graph graph = new Graph();
    Node x = graph.input("x", 4);
    Node plain = x.layerNorm(EPSILON);
    Node scaledLayer = x.layerNorm("norm");
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build()) {
      model.set(graph.node("norm.weight"), new double[] {1, 2, 3, 4});
      model.set(graph.node("norm.bias"), new double[] {0, 0, 0, 10});
      double[] values = {1, 2, 3, 6, 1e6, 1e6 + 1, 1e6 + 2, 1e6 + 5};
      Batch batch = new Batch(2).set("x", values);
      double[] normalized;
      double[] scaled;
      try (Predictor predictor = model.predictor(plain)) {
        normalized = predictor.predictDoubles(batch);
      }
      try (Predictor predictor = model.predictor(scaledLayer)) {
        scaled = predictor.predictDoubles(batch);
      }
      for (int sample = 0; sample < 2; ++sample) {
        double mean = 0;
        double variance = 0;
        for (int i = 0; i < 4; ++i) {
          mean += values[4 * sample + i] / 4;
        }
        for (int i = 0; i < 4; ++i) {
          variance += Math.pow(values[4 * sample + i] - mean, 2) / 4;
        }
        for (int i = 0; i < 4; ++i) {
          double expected = (values[4 * sample + i] - mean) / Math.sqrt(variance + EPSILON);
          assertEquals(expected, normalized[4 * sample + i], 1e-12);
          assertEquals(expected * (i + 1) + (i == 3 ? 10 : 0), scaled[4 * sample + i], 1e-12);
        }
      }
    }
  }

  @Test
  void parametersAreTrainedSavedAndLoaded(@TempDir Path folder) {
    Graph graph = new Graph();
    Node hidden = graph.input("x", 3).linear(8).layerNorm().named("norm").relu();
    Node output = hidden.linear(1);
    Node loss = graph.meanSquaredError(output, graph.target("y", 1));
    Path file = folder.resolve("model.safetensors");
    float[] x = {1, 2, 3, -1, 0, 1, 4, 4, 5, 0, 0, 1};
    Batch batch = new Batch(4).set("x", x).set("y", new float[] {1, 0, 1, 0});
    float[] before;
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Adam.of(0.02))) {
      double first = trainer.step(batch);
      for (int i = 0; i < 1000; ++i) {
        trainer.step(batch);
      }
      double last = trainer.evaluate(batch);
      assertTrue(last < first / 10, first + " became " + last);
      assertTrue(model.getFloats(graph.node("norm.weight"))[0] != 1);
      assertTrue(model.getFloats(graph.node("norm.bias"))[0] != 0);
      try (Predictor predictor = model.predictor(output)) {
        before = predictor.predict(batch);
      }
      model.save(file);
    }
    try (Model loaded = Model.load(file)) {
      Node norm = loaded.graph().node("norm");
      assertEquals(Op.LAYER_NORM, norm.op());
      assertEquals(EPSILON, norm.constant());
      assertEquals(
          List.of("linear_3", "norm.weight", "norm.bias"),
          norm.inputs().stream().map(Node::name).toList());
      Node last = loaded.graph().node(output.name());
      try (Predictor predictor = loaded.predictor(last)) {
        assertArrayEquals(before, predictor.predict(batch));
      }
    }
  }

  @Test
  void invalidArgumentsAreRefused() {
    Graph graph = new Graph();
    Node x = graph.input("x", 4);
    Node wrongWeight = graph.parameter("three", 3, Initializer.zeros());
    Node weight = graph.parameter("four", 4, Initializer.zeros());
    assertRefused("epsilon", () -> x.layerNorm(0));
    assertRefused("epsilon", () -> x.layerNorm(Double.NaN));
    assertRefused("one value for each of the 4 features", () -> x.layerNorm(EPSILON, wrongWeight));
    assertRefused("one value for each of the 4 features", () -> x.layerNorm(EPSILON, weight, x));
    assertRefused("inputs", () -> x.layerNorm(EPSILON, weight, weight, weight));
    assertRefused("label", () -> graph.label("y", 3).layerNorm());
    int nodes = graph.nodes().size();
    assertThrows(IllegalArgumentException.class, () -> graph.node("y").layerNorm());
    assertEquals(nodes, graph.nodes().size());
  }

  private static void assertRefused(String part, Executable executable) {
    String message = assertThrows(IllegalArgumentException.class, executable).getMessage();
    assertTrue(message.contains(part), message);
  }
}
