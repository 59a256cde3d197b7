package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;

/** Gradient checks of whole models with right and with wrong derivatives. */
class GradientCheckTest {
  @Test
  void modelsOfBothTypesAreCheckedInDouble() {
    for (DataType type : DataType.values()) {
      try (Graph graph = Nets.classifier(6, 3, 8, 7);
          Model model = Model.builder(graph).seed(5).dataType(type).build()) {
        double[][] before = Nets.parameters(model);
        GradientCheck.Report report =
            GradientCheck.of(model, graph.node("loss")).run(Nets.batch(2, 9, 6, 3));
        assertTrue(report.passed(), report.toString());
        assertTrue(report.worst().error() < 1e-7, report.toString());
        assertTrue(report.findings().stream().anyMatch(f -> f.node() == graph.node("x")));
        assertArrayEquals(before, Nets.parameters(model));
      }
    }
  }

  /** Swish with a derivative that is 3 % too large, between two correct layers. */
  @Test
  void aWrongDerivativeIsReportedWithItsWorstElement() {
    CustomOperation.register(
        "test_wrong_swish",
        z -> z / (1 + Math.exp(-z)),
        z -> {
          double s = 1 / (1 + Math.exp(-z));
          return 1.03 * s * (1 + z * (1 - s));
        });
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 4);
      Node before = x.linear(6, "before");
      Node a = before.custom("test_wrong_swish");
      Node y = a.linear(2, "after");
      Node loss = graph.squaredError(y, graph.target("t", 2));
      try (Model model = Model.create(graph, 1)) {
        Batch batch = new Batch(8).set("x", Nets.floats(1, 32)).set("t", Nets.floats(2, 16));
        GradientCheck.Report report = GradientCheck.of(model, loss).run(batch);
        assertFalse(report.passed());
        GradientCheck.Finding worst = report.worst();
        assertSame(GradientCheck.Verdict.DIFFERS, worst.verdict());
        assertTrue(worst.node().name().startsWith("before.") || worst.node() == x);
        assertTrue(worst.row() >= 0 && worst.column() >= 0);
        for (GradientCheck.Finding finding : report.findings()) {
          if (finding.node() != null && finding.node().name().startsWith("after.")) {
            assertSame(GradientCheck.Verdict.AGREES, finding.verdict(), finding.toString());
          }
        }
        // checks a single element: the expected value is that of the right derivative
        Node weight = graph.node("before.weight");
        GradientCheck.Report one =
            GradientCheck.of(model, loss).directions(0).coordinates(0).at(weight, 5, 3).run(batch);
        GradientCheck.Finding element =
            one.findings().stream().filter(f -> f.row() == 5 && f.column() == 3).findAny().get();
        assertEquals(1.03, element.found() / element.expected(), 1e-6);
        assertTrue(report.toString().contains("do NOT agree"), report.toString());
        assertTrue(report.toString().contains("DIFFERS, expected"), report.toString());
      }
    } finally {
      CustomOperation.unregister("test_wrong_swish");
    }
  }

  @Test
  void aKinkIsReportedAndIsNoFailure() {
    CustomOperation.register("test_abs", Math::abs, z -> z < 0 ? -1 : 1);
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 2);
      Node bias = graph.parameter("bias", 2, Initializer.zeros());
      Node shifted = x.add(bias);
      Node relu = graph.relu(shifted).named("relu");
      Node absolute = graph.custom(bias, "test_abs").named("absolute");
      Node loss = relu.add(absolute).squaredNorm().batchMean();
      try (Model model = Model.create(graph, 1)) {
        Batch batch = new Batch(2).set("x", new float[] {0, 1, 2, 3}); // relu at exactly 0
        GradientCheck.Report report = GradientCheck.of(model, loss).run(batch);
        assertTrue(report.passed(), report.toString());
        assertTrue(report.count(GradientCheck.Verdict.KINK) > 0, report.toString());
        assertTrue(
            report.findings().stream()
                .filter(f -> f.verdict() == GradientCheck.Verdict.KINK)
                .anyMatch(f -> f.kink() == relu),
            report.toString());
        assertTrue(report.toString().contains("kink of 'relu'"), report.toString());
      }
    } finally {
      CustomOperation.unregister("test_abs");
    }
  }

  @Test
  void nanNeverPasses() {
    try (Graph graph = Nets.classifier(3, 2, 4);
        Model model = Model.create(graph, 5)) {
      float[] x = Nets.floats(1, 12);
      x[4] = Float.NaN;
      Batch batch = new Batch(4).set("x", x).set("label", new int[4]);
      GradientCheck.Report report = GradientCheck.of(model, graph.node("loss")).run(batch);
      assertFalse(report.passed());
      assertSame(GradientCheck.Verdict.NOT_A_NUMBER, report.worst().verdict());
      assertTrue(report.toString().contains("the loss itself is NaN"), report.toString());
      assertFalse(report.toString().contains("do NOT agree"), report.toString());
    }
  }

  /**
   * A derivative of 0 is wrong for 1e4 + 1.9e-5 z. For 1e4 + 1e-13 z, rounding errors hide the
   * difference, so the check cannot decide.
   */
  @Test
  void differencesTooWeakToDecideAreNoAgreement() {
    CustomOperation.register("test_small", z -> 1e4 + 1.9e-5 * z, z -> 0);
    CustomOperation.register("test_tiny", z -> 1e4 + 1e-13 * z, z -> 0);
    try {
      GradientCheck.Report small = checkOfCustom("test_small");
      assertSame(GradientCheck.Verdict.DIFFERS, small.worst().verdict(), small.toString());
      GradientCheck.Report tiny = checkOfCustom("test_tiny");
      assertFalse(tiny.passed(), tiny.toString());
      assertEquals(tiny.findings().size(), tiny.count(GradientCheck.Verdict.TOO_WEAK));
      assertTrue(tiny.toString().contains("gradients were NOT checked"), tiny.toString());
      assertTrue(tiny.toString().contains("too weak to tell, expected"), tiny.toString());
    } finally {
      CustomOperation.unregister("test_small");
      CustomOperation.unregister("test_tiny");
    }
  }

  private static GradientCheck.Report checkOfCustom(String name) {
    try (Graph graph = new Graph()) {
      Node w = graph.parameter("w", 1, Initializer.zeros());
      Node loss = graph.input("x", 1).multiply(w).custom(name).batchMean().sum();
      try (Model model = Model.create(graph, 1)) {
        return GradientCheck.of(model, loss).run(new Batch(1).set("x", new float[] {1}));
      }
    }
  }

  @Test
  void elementsOutOfRangeAreRefused() {
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", 3);
      Node apart = graph.parameter("apart", 2, Initializer.zeros());
      Node loss = graph.squaredError(graph.linear(x, 2), graph.target("t", 2));
      try (Model model = Model.create(graph, 1)) {
        Batch batch = new Batch(2).set("x", Nets.floats(1, 6)).set("t", Nets.floats(2, 4));
        for (long row : new long[] {2, 1L << 62, (1L << 62) - 1, Long.MAX_VALUE}) {
          GradientCheck check = GradientCheck.of(model, loss).at(x, row, 0);
          Exception thrown = assertThrows(IllegalArgumentException.class, () -> check.run(batch));
          assertTrue(thrown.getMessage().contains("has no"), thrown.getMessage());
        }
        GradientCheck check = GradientCheck.of(model, loss).at(apart, 0, 0);
        Exception thrown = assertThrows(IllegalArgumentException.class, () -> check.run(batch));
        assertTrue(thrown.getMessage().contains("does not depend on"), thrown.getMessage());
      }
    }
  }

  @Test
  void theReportPrintsTheTolerance() {
    try (Graph graph = Nets.classifier(3, 2, 4);
        Model model = Model.create(graph, 5)) {
      Batch batch = new Batch(4).set("x", Nets.floats(1, 12)).set("label", new int[4]);
      GradientCheck check = GradientCheck.of(model, graph.node("loss")).tolerance(2.5e-5);
      assertTrue(check.run(batch).toString().contains("agree within 2.5e-05,"));
    }
  }

  @Test
  void acceptsDirectBuffersOfFloatsAndRefusesInvalidArguments() {
    try (Graph graph = Nets.classifier(3, 2, 4);
        Model model = Model.create(graph, 5)) {
      Node loss = graph.node("loss");
      FloatBuffer x = ByteBuffer.allocateDirect(48).order(ByteOrder.nativeOrder()).asFloatBuffer();
      x.put(Nets.floats(1, 12)).flip();
      Batch batch = new Batch(4).set("x", x).set("label", new int[4]);
      assertTrue(GradientCheck.of(model, loss).run(batch).passed());
      GradientCheck check = GradientCheck.of(model, loss);
      assertThrows(IllegalArgumentException.class, () -> check.directions(-1));
      assertThrows(IllegalArgumentException.class, () -> check.tolerance(Double.NaN));
      assertThrows(IllegalArgumentException.class, () -> check.tolerance(Double.POSITIVE_INFINITY));
      assertThrows(IllegalArgumentException.class, () -> check.run(new Batch(4)));
      Node logits = graph.node("logits");
      assertThrows(
          IllegalArgumentException.class, () -> GradientCheck.of(model, logits).run(batch));
      assertThrows(
          IllegalArgumentException.class,
          () -> GradientCheck.of(model, loss).at(loss, 0, 0).run(batch));
      assertThrows(
          IllegalArgumentException.class,
          () -> GradientCheck.of(model, loss).at(graph.node("x"), 4, 0).run(batch));
    }
  }
}
