package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** A name is given to the intended node, in whatever order Java evaluates the arguments. */
class NamesTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 4);

  @Test
  void areGivenToTheOuterNodeOfNestedCalls() {
    Node inner = x.linear(3);
    Node p = graph.softmax(inner).named("p");
    assertEquals("p", p.name());
    assertEquals("linear_3", inner.name());
    assertSame(p, graph.node("p"));
    Node loss =
        graph.negativeLogLikelihood(graph.softmax(x.linear(3)), graph.label("y", 3)).named("loss");
    assertSame(loss, graph.node("loss"));
    assertEquals(Op.NEGATIVE_LOG_LIKELIHOOD, loss.op());
  }

  @Test
  void ofLayersAreThePrefixOfTheirParameters() {
    for (Node layer :
        new Node[] {
          x.linear(3, "a"),
          x.linear(3, Initializer.heNormal(), "b"),
          graph.linear(x, 3, "c"),
          graph.linear(x, 3, Initializer.zeros(), "d"),
          x.linear(3).named("e")
        }) {
      assertEquals(layer.name() + ".weight", layer.inputs().get(1).name());
      assertEquals(layer.name() + ".bias", layer.inputs().get(2).name());
      assertSame(layer.inputs().get(1), graph.node(layer.name() + ".weight"));
    }
    assertThrows(IllegalArgumentException.class, () -> graph.node("linear_15.weight"));
  }

  @Test
  void ofSharedParametersStay() {
    Node shared = graph.parameter("shared", 3, 4, Initializer.zeros());
    graph.linear(x, shared).named("layer");
    assertEquals("shared", shared.name());
  }

  @Test
  void inUseAreRefusedAndNothingChanges() {
    Node layer = x.linear(3, "layer");
    graph.input("taken.bias", 1);
    int before = graph.nodes().size();
    for (String name : new String[] {"x", "taken"}) {
      var thrown = assertThrows(IllegalArgumentException.class, () -> layer.named(name));
      assertTrue(thrown.getMessage().contains("'layer'"), thrown.getMessage());
      assertThrows(IllegalArgumentException.class, () -> x.linear(2, name));
    }
    assertEquals(before, graph.nodes().size());
    assertEquals("layer", layer.name());
    assertEquals("layer.weight", layer.inputs().get(1).name());
    assertSame(layer, layer.named("layer"));
    assertEquals("layer_2", layer.named("layer_2").name());
    Node inner = x.linear(2, "a.weight");
    assertEquals("a.weight", inner.named("a").inputs().get(1).name());
    assertSame(inner, graph.node("a"));
    assertEquals(before + 6, x.linear(2, "layer").id() + 1);
  }

  @Test
  void ofAParameterInAModelStayWhenItsLayerIsNamed() {
    Node weight = graph.parameter("l.weight", 2, x.features(), Initializer.zeros());
    x.linear(1);
    try (Model model = Model.create(graph, 1)) {
      Node layer = graph.linear(x, weight).named("l");
      var thrown = assertThrows(IllegalStateException.class, () -> layer.named("k"));
      assertTrue(thrown.getMessage().contains("'l.weight'"), thrown.getMessage());
      assertEquals("l", layer.name());
      assertSame(weight, graph.node("l.weight"));
      assertEquals(2 * x.features(), model.getFloats(weight).length);
    }
  }

  @Test
  void ofANodeInAModelStay() {
    Node y = x.linear(2, "y");
    Node loss = graph.squaredError(y, graph.target("t", 2));
    try (Model model = Model.create(graph, 1)) {
      var thrown = assertThrows(IllegalStateException.class, () -> x.named("z"));
      assertTrue(thrown.getMessage().contains("before Model.create"), thrown.getMessage());
      assertEquals("later", y.tanh().named("later").name());
      var laterNode =
          assertThrows(IllegalArgumentException.class, () -> model.predictor(graph.node("later")));
      assertTrue(laterNode.getMessage().contains("before Model.create"), laterNode.getMessage());
      assertEquals("squared_error_5", loss.name());
    }
  }
}
