package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Nodes, names and shapes. */
class GraphTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 3);

  private void shape(boolean batched, long rows, long columns, Node node) {
    assertEquals(batched, node.isBatched(), node.toString());
    assertEquals(rows, node.rows(), node.toString());
    assertEquals(columns, node.columns(), node.toString());
    assertEquals(rows * columns, node.features());
  }

  @Test
  void aLinearLayerCreatesItsParameters() {
    Node hidden = x.linear(5, "hidden");
    assertEquals("hidden", hidden.name());
    assertEquals(Op.LINEAR, hidden.op());
    shape(true, 5, 1, hidden);
    Node weight = graph.node("hidden.weight");
    Node bias = graph.node("hidden.bias");
    shape(false, 5, 3, weight);
    shape(false, 5, 1, bias);
    assertEquals(List.of(x, weight, bias), hidden.inputs());
    assertSame(hidden, graph.node("hidden"));
    assertTrue(graph.toString().contains("'hidden' (linear, [batch x 5]) of 'x', 'hidden.weight'"));
  }

  @Test
  void namesAndDefaultNames() {
    Node named = graph.relu(x).named("named");
    Node unnamed = x.relu();
    assertEquals("named", named.name());
    assertEquals("relu_2", unnamed.name());
    Node layer = x.linear(2);
    assertEquals(layer.name() + ".weight", layer.inputs().get(1).name());
  }

  @Test
  void everyMethodInfersItsShape() {
    Node y = graph.input("y", 4);
    Node weight = graph.parameter("w", 4, 3, Initializer.heUniform());
    Node bias = graph.parameter("b", 4, Initializer.constant(0.5));
    Node back = graph.parameter("back", 3, Initializer.zeros());
    shape(true, 4, 1, graph.linear(x, weight, bias));
    shape(true, 4, 1, graph.linear(x, weight));
    shape(true, 3, 1, graph.linearTransposed(y, weight, back));
    shape(true, 3, 1, graph.linearTransposed(y, weight));
    shape(true, 4, 1, graph.matmul(x, weight));
    shape(true, 3, 1, graph.matmulTransposed(y, weight));
    shape(true, 7, 1, graph.concat(x, y));
    shape(true, 2, 1, x.slice(1, 3));
    shape(true, 9, 1, x.polynomialFeatures());
    shape(false, 3, 1, x.batchMean());
    shape(true, 1, 1, x.sum());
    shape(true, 1, 1, x.mean());
    shape(true, 1, 1, x.squaredNorm());
    shape(true, 1, 1, x.logSumExp());
    shape(false, 1, 1, weight.squaredNorm());
    shape(true, 3, 1, x.add(graph.constant(2)));
    shape(true, 3, 1, x.add(x.sum()));
    shape(true, 3, 1, x.sum().subtract(x));
    shape(true, 3, 1, x.multiply(x.mean()));
    shape(true, 3, 1, x.multiply(graph.constant("c", 3, 1, 1, 2, 3)));
    shape(
        false,
        1,
        1,
        graph.squaredError(x, graph.target("t", 3)).add(weight.squaredNorm().scale(0.1)));
    Map<String, Supplier<Node>> elementwise =
        Map.ofEntries(
            Map.entry("identity", () -> graph.identity(x)),
            Map.entry("negate", x::negate),
            Map.entry("square", x::square),
            Map.entry("exp", x::exp),
            Map.entry("log", x::log),
            Map.entry("sigmoid", x::sigmoid),
            Map.entry("tanh", x::tanh),
            Map.entry("relu", x::relu),
            Map.entry("leaky_relu", x::leakyRelu),
            Map.entry("elu", x::elu),
            Map.entry("softplus", x::softplus),
            Map.entry("gelu", x::gelu),
            Map.entry("silu", x::silu),
            Map.entry("dropout", () -> x.dropout(0.5)),
            Map.entry("softmax", x::softmax));
    elementwise.forEach(
        (name, factory) -> {
          Node node = factory.get();
          assertEquals(name, node.op().nativeName());
          shape(true, 3, 1, node);
        });
  }

  @Test
  void aRefusedLayerAddsNoNodes() {
    Node weight = graph.parameter("w", 4, 3, Initializer.zeros());
    int before = graph.nodes().size();
    assertThrows(IllegalArgumentException.class, () -> graph.linear(weight, 2));
    assertThrows(IllegalArgumentException.class, () -> graph.linear(x, 2, "x"));
    assertThrows(IllegalArgumentException.class, () -> graph.linear(x, 0));
    assertThrows(IllegalArgumentException.class, () -> graph.linear(x, Long.MAX_VALUE));
    assertThrows(IllegalArgumentException.class, () -> graph.linear(x, 2, (Initializer) null));
    assertEquals(before, graph.nodes().size());
    assertFalse(graph.linear(x, 2).name().isEmpty());
  }

  @Test
  void namesMayBeAnyText() {
    String name = "größe \uD83D\uDE00 \"x\"\n";
    Node node = graph.input(name, 2);
    assertEquals(name, node.name());
    assertSame(node, graph.node(name));
  }

  @Test
  void aConstantReturnsItsValues() {
    Graph graph = new Graph();
    double[] values = {1, -2.5, 1e-300, 4, 5, 6};
    assertArrayEquals(values, graph.constant("c", 2, 3, values).constantValues());
    assertArrayEquals(new double[] {7}, graph.constant(7).constantValues());
    Node x = graph.input("x", 2);
    assertTrue(
        assertThrows(IllegalArgumentException.class, x::constantValues)
            .getMessage()
            .contains("expected a constant"));
    graph.close();
    assertThrows(IllegalStateException.class, () -> graph.node("c").constantValues());
  }
}
