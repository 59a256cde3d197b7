package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Statistics of the nodes of a network on a batch. */
class StatisticsTest {
  private static Map<String, NodeStatistics> byName(List<NodeStatistics> all) {
    return all.stream().collect(Collectors.toMap(s -> s.node().name(), Function.identity()));
  }

  /** y = x w, loss = mean of (y − t)² over the batch: every number can be computed by hand. */
  @Test
  void ofALinearModelAreThoseComputedByHand() {
    for (DataType type : DataType.values()) {
      try (Graph graph = new Graph()) {
        Node x = graph.input("x", 1);
        Node w = graph.parameter("w", 1, 1, Initializer.constant(2));
        Node y = graph.linear(x, w).named("y");
        Node t = graph.target("t", 1);
        Node loss = graph.squaredError(y, t).named("loss");
        graph.square(x).named("elsewhere");
        try (Model model = Model.builder(graph).dataType(type).build();
            Gradients gradients = Gradients.of(model, loss)) {
          Batch batch = new Batch(2).set(x, new double[] {1, 3}).set(t, new double[] {1, 2});
          List<NodeStatistics> all = gradients.statistics(batch);
          assertEquals(List.of(x, w, y, t, loss), all.stream().map(NodeStatistics::node).toList());
          Map<String, NodeStatistics> of = byName(all);
          NodeStatistics linear = of.get("y"); // 2 and 6
          assertEquals(2, linear.count());
          assertEquals(2, linear.minimum());
          assertEquals(6, linear.maximum());
          assertEquals(4, linear.mean());
          assertEquals(2, linear.standardDeviation());
          // the loss is the mean of (y - t)², 1 and 16; δ of y is (y - t) 2 / 2: 1 and 4
          assertEquals(8.5, of.get("loss").mean());
          assertEquals(Math.sqrt(17), linear.deltaNorm(), 1e-6);
          assertEquals(1, of.get("loss").deltaNorm());
          assertEquals(1 * 1 + 4 * 3, of.get("w").gradientNorm(), 1e-6);
          assertEquals(2 * Math.sqrt(17), of.get("x").deltaNorm(), 1e-6);
          assertEquals(Double.NaN, of.get("w").deltaNorm());
          assertEquals(Double.NaN, linear.gradientNorm());
          assertEquals(Double.NaN, of.get("t").deltaNorm());
          assertArrayEquals(new double[] {2}, model.getDoubles(w));
        }
      }
    }
  }

  /** statistics(), whose plan keeps all values, agrees with the fused plan of gradients(). */
  @Test
  void theNormsAreThoseOfTheGradients() {
    try (Graph graph = Nets.classifier(12, 4, 33, 21);
        Model model = Model.create(graph, 3);
        Gradients gradients = Gradients.of(model, graph.node("loss"))) {
      Batch batch = Nets.batch(4, 37, 12, 4);
      double loss = gradients.compute(batch);
      List<NodeStatistics> all = gradients.statistics(batch);
      assertEquals(graph.nodes(), all.stream().map(NodeStatistics::node).toList());
      for (NodeStatistics s : all) {
        if (s.node().op() == Op.PARAMETER || s.node().op() == Op.INPUT) {
          double squares = 0;
          for (double g : gradients.getDoubles(s.node())) {
            squares += g * g;
          }
          double norm = s.node().op() == Op.INPUT ? s.deltaNorm() : s.gradientNorm();
          assertEquals(Math.sqrt(squares), norm, 1e-5 * norm);
          assertTrue(norm > 0);
        }
      }
      assertEquals(loss, byName(all).get("loss").mean(), 1e-6);
      NodeStatistics label = byName(all).get("label");
      assertEquals(37, label.count());
      assertEquals(3, label.maximum());
    }
  }

  @Test
  void nanIsNotHidden() {
    try (Graph graph = Nets.classifier(3, 2, 5);
        Model model = Model.create(graph, 3);
        Gradients gradients = Gradients.of(model, graph.node("loss"))) {
      float[] values = Nets.floats(1, 12);
      values[7] = Float.NaN;
      Batch batch = new Batch(4).set("x", values).set("label", new int[4]);
      NodeStatistics x = byName(gradients.statistics(batch)).get("x");
      assertEquals(Double.NaN, x.minimum());
      assertEquals(Double.NaN, x.maximum());
      assertThrows(IllegalArgumentException.class, () -> gradients.statistics(new Batch(4)));
    }
  }
}
