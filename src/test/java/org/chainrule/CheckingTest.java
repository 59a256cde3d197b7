package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Checking mode stops at the first non-finite value and reports its position. */
class CheckingTest {
  /** The input of the third batch has a NaN in row 36, counted from 0. */
  @Test
  void fitReportsRowNodeAndPass() {
    try (Graph graph = Nets.classifier(5, 3, 8);
        Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.01)).shuffle(false)) {
      int batch = 64;
      float[] x = Nets.floats(2, 5 * batch * 5);
      x[(2 * batch + 36) * 5 + 4] = Float.NaN;
      try (Dataset data =
          Dataset.of(5 * batch).with("x", x).with("label", Nets.labels(3, 5 * batch, 3))) {
        trainer.checking(true);
        ChainruleException thrown =
            assertThrows(ChainruleException.class, () -> trainer.fit(data, batch, 1));
        assertEquals(
            "training step 3, forward pass: 'x' (input, [batch x 5]) is nan at batch row 36,"
                + " feature 4, example 164 of the data set; nothing was changed",
            thrown.getMessage());
        assertEquals(2, trainer.steps());
        // the first two steps were applied, and nothing of the third
        try (Model twin = Model.create(graph, 1);
            Trainer other = twin.trainer(graph.node("loss"), Adam.of(0.01)).shuffle(false)) {
          other.fitSteps(data, batch, 2);
          assertArrayEquals(Nets.parameters(twin), Nets.parameters(model));
        }
      }
    }
  }

  @Test
  void namesTheNodeThatComputesTheFirstNonFiniteValue() {
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 2);
      Node w = graph.parameter("w", 2, Initializer.constant(1));
      Node product = x.multiply(w);
      Node root = graph.log(product).named("logarithm");
      Node loss = graph.squaredError(root, graph.target("t", 2));
      try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).build();
          Trainer trainer = model.trainer(loss, Sgd.of(0.1)).checking(true)) {
        Batch batch = new Batch(2).set(x, new double[] {1, 2, 3, -4}).set("t", new double[4]);
        ChainruleException thrown =
            assertThrows(ChainruleException.class, () -> trainer.step(batch));
        assertTrue(
            thrown
                .getMessage()
                .matches(
                    "training step 1, forward pass: 'logarithm' \\(log, \\[batch x 2]\\) is -?nan"
                        + " at batch row 1, feature 1; nothing was changed"),
            thrown.getMessage());
        Batch huge =
            new Batch(2)
                .set(x, new double[] {1, 2, 1e-300, 4})
                .set("t", new double[] {0, 0, 1e9, 0});
        ChainruleException backward =
            assertThrows(ChainruleException.class, () -> trainer.step(huge));
        assertTrue(backward.getMessage().contains("backward pass: the delta of '"));
        assertTrue(backward.getMessage().contains("is -inf at batch row 1, feature 0"));
        assertArrayEquals(new double[] {1, 1}, model.getDoubles(w));
      }
    }
  }

  @Test
  void aFailedUpdateIsUndone() {
    try (Graph graph = Nets.classifier(5, 3, 8);
        Model model = Model.create(graph, 1);
        Trainer trainer =
            model.trainer(graph.node("loss"), Sgd.of(1e30).weightDecay(1e30)).checking(true)) {
      double[][] before = Nets.parameters(model);
      ChainruleException thrown =
          assertThrows(ChainruleException.class, () -> trainer.step(Nets.batch(1, 9, 5, 3)));
      assertTrue(thrown.getMessage().contains("training step 1, update: '"), thrown.getMessage());
      assertArrayEquals(before, Nets.parameters(model));
      assertEquals(0, trainer.steps());
    }
  }

  @Test
  void predictorsReportNonFiniteValues() {
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 2);
      Node y = graph.log(x).named("y");
      try (Model model = Model.create(graph, 1);
          Predictor predictor = model.predictor(y)) {
        float[] values = {1, 1, 1, 0};
        assertEquals(Float.NEGATIVE_INFINITY, predictor.predict(values)[3]);
        predictor.checking(true);
        ChainruleException thrown =
            assertThrows(ChainruleException.class, () -> predictor.predict(values));
        assertEquals(
            "predicting, forward pass: 'y' (log, [batch x 2]) is -inf at batch row 1, feature 1",
            thrown.getMessage());
        predictor.predict(new float[] {1, 1, 1, 1});
      }
    }
  }

  /** Predicts a non-finite value. Runs in a separate JVM in which the property is set. */
  public static final class WithProperty {
    public static void main(String[] args) {
      try (Graph graph = new Graph();
          Model model = Model.create(withLogarithm(graph), 1);
          Predictor predictor = model.predictor(graph.node("y"))) {
        predictor.predict(new float[] {0});
        System.out.println("not detected");
      } catch (ChainruleException e) {
        System.out.println(e.getMessage());
      }
    }

    private static Graph withLogarithm(Graph graph) {
      Node x = graph.input("x", 1);
      graph.log(x).named("y");
      return graph;
    }
  }

  @Test
  void theSystemPropertySwitchesCheckingOn() throws Exception {
    String text =
        Jvm.run(Jvm.classPath(), List.of("-Dorg.chainrule.checking=true"), WithProperty.class);
    assertTrue(text.contains("is -inf at batch row 0, feature 0"), text);
  }

  @Test
  void normsAreThoseOfTheGradientsAndMemoryIsReported() {
    try (Graph graph = Nets.classifier(5, 3, 8);
        Model model = Model.create(graph, 1);
        Gradients gradients = Gradients.of(model, graph.node("loss"));
        Trainer trainer = model.trainer(graph.node("loss"), Adam.of(0.01))) {
      Batch batch = Nets.batch(1, 9, 5, 3);
      var norms = gradients.norms(batch);
      assertEquals(model.parameters(), norms.keySet().stream().toList());
      gradients.compute(batch);
      norms.forEach(
          (node, norm) -> {
            double squares = 0;
            for (double g : gradients.getDoubles(node)) {
              squares += g * g;
            }
            assertEquals(Math.sqrt(squares), norm, 1e-6);
          });
      MemoryReport tool = gradients.memory();
      assertEquals(tool.parameters() + 4 * 9 * 5, tool.gradients());
      assertTrue(tool.checks() > 0);
      trainer.checking(true).step(batch);
      MemoryReport memory = trainer.memory();
      assertEquals(2 * memory.parameters(), memory.optimizerState());
      assertEquals(9 * (5 * 4 + 4), memory.inputs());
      assertTrue(memory.checks() > 0);
      assertEquals(0, memory.dataset());
      assertEquals(memory.parameters(), model.memory().total());
      assertTrue(memory.total() <= Chainrule.nativeBytes());
      assertTrue(memory.toString().contains("optimizer state"));
    }
  }
}
