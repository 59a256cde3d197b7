package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Gradients through the Java API. The C++ tests check the gradient of each operation. */
class GradientTest {
  private static void near(double expected, double actual, double relative, String what) {
    double error = Math.abs(expected - actual) / Math.max(1e-3, Math.abs(expected));
    // a NaN fails this comparison
    assertTrue(error <= relative, what + ": expected " + expected + ", got " + actual);
  }

  @Test
  void agreeWithFiniteDifferences() {
    Graph graph = new Graph();
    Node x = graph.input("x", 3);
    Node target = graph.target("target", 2);
    Node shared = graph.parameter("shared", 4, 3, Initializer.glorotUniform());
    Node hidden = graph.linear(x, shared).tanh();
    Node again = graph.linearTransposed(hidden, shared).sigmoid().add(x);
    Node prediction = graph.concat(hidden, again).linear(5).gelu().linear(2);
    Node loss = graph.squaredError(prediction, target).add(shared.squaredNorm().scale(0.05));
    int size = 7;
    double[] data = Nets.doubles(3, size * 3);
    Batch batch = new Batch(size).set(x, data).set(target, Nets.doubles(4, size * 2));
    try (Model model = Model.builder(graph).seed(5).dataType(DataType.DOUBLE).build();
        Trainer trainer = model.trainer(loss, Sgd.of(0.1))) {
      double before = trainer.gradients(batch);
      assertEquals(trainer.evaluate(batch), before);
      trainer.gradients(batch);
      double[] inputGradient = trainer.gradientDoubles(x);
      List<double[]> gradients = model.parameters().stream().map(trainer::gradientDoubles).toList();
      for (int i = 0; i < gradients.size(); ++i) {
        Node parameter = model.parameters().get(i);
        double[] values = model.getDoubles(parameter);
        for (int j = 0; j < values.length; ++j) {
          double value = values[j];
          values[j] = value + 1e-6;
          model.set(parameter, values);
          double above = trainer.evaluate(batch);
          values[j] = value - 1e-6;
          model.set(parameter, values);
          double below = trainer.evaluate(batch);
          values[j] = value;
          model.set(parameter, values);
          near((above - below) / 2e-6, gradients.get(i)[j], 1e-5, parameter + " " + j);
        }
      }
      for (int j = 0; j < data.length; ++j) {
        double value = data[j];
        data[j] = value + 1e-6;
        double above = trainer.evaluate(batch);
        data[j] = value - 1e-6;
        double below = trainer.evaluate(batch);
        data[j] = value;
        near((above - below) / 2e-6, inputGradient[j], 1e-5, "x " + j);
      }
      assertEquals(before, trainer.evaluate(batch), "evaluate must not change anything");
    }
  }

  @Test
  void ofLogisticRegressionAreSoftmaxMinusOneHot() {
    int features = 4;
    int classes = 3;
    int size = 6;
    Graph graph = Nets.classifier(features, classes);
    double[] x = Nets.doubles(1, size * features);
    int[] labels = Nets.labels(2, size, classes);
    Batch batch = new Batch(size).set("x", x).set("label", labels);
    Node probabilities = graph.softmax(graph.node("logits"));
    try (Model model = Model.builder(graph).seed(3).dataType(DataType.DOUBLE).build();
        Gradients gradients = Gradients.of(model, graph.node("loss"));
        Predictor predictor = model.predictor(probabilities)) {
      double[] p = predictor.predict(x);
      double[] expected = new double[classes * features];
      double[] expectedBias = new double[classes];
      for (int s = 0; s < size; ++s) {
        for (int c = 0; c < classes; ++c) {
          double delta = (p[s * classes + c] - (labels[s] == c ? 1 : 0)) / size;
          expectedBias[c] += delta;
          for (int f = 0; f < features; ++f) {
            expected[c * features + f] += delta * x[s * features + f];
          }
        }
      }
      gradients.compute(batch);
      assertArrayEquals(expected, gradients.getDoubles(graph.node("logits.weight")), 1e-13);
      assertArrayEquals(expectedBias, gradients.getDoubles(graph.node("logits.bias")), 1e-13);
    }
  }

  @Test
  void unusedParametersAreListedAndNotUpdated() {
    Graph graph = Nets.classifier(3, 4);
    Node unused = graph.parameter("unused", 2, Initializer.constant(1));
    graph.node("logits").multiply(graph.constant(2));
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of().weightDecay(0.1))) {
      assertEquals(List.of(unused), trainer.unusedParameters());
      trainer.step(Nets.batch(1, 5, 3, 4));
      assertArrayEquals(new float[] {1, 1}, model.getFloats(unused));
    }
  }

  @Test
  void areThoseThatAStepOfAFloatModelSubtracts() {
    Graph graph = Nets.classifier(3, 4, 6);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Sgd.of(0.25))) {
      Batch batch = Nets.batch(1, 5, 3, 4);
      Node weight = graph.node("logits.weight");
      trainer.gradients(batch);
      float[] gradient = trainer.gradient(weight);
      float[] before = model.getFloats(weight);
      trainer.step(batch);
      float[] after = model.getFloats(weight);
      for (int i = 0; i < after.length; ++i) {
        assertEquals(before[i] - 0.25f * gradient[i], after[i], 1e-6f);
      }
    }
  }
}
