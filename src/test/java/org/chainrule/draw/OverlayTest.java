package org.chainrule.draw;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.chainrule.Graph;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Op;
import org.junit.jupiter.api.Test;

/** Drawings whose nodes are coloured by statistics. */
class OverlayTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 2);
  private final Node loss = graph.squaredError(x.linear(3).tanh().linear(1), graph.target("y", 1));

  /**
   * Returns statistics in which the delta of node i has the norm 10^(i - 8). The gradient of each
   * weight has the norm 3 and that of each bias has the norm 4.
   */
  private List<NodeStatistics> statistics() {
    List<NodeStatistics> all = new ArrayList<>();
    double delta = 1e-8;
    for (Node node : graph.nodes()) {
      boolean parameter = node.op() == Op.PARAMETER;
      double gradient = parameter ? node.name().endsWith("weight") ? 3 : 4 : Double.NaN;
      all.add(
          new NodeStatistics(node, 8, -1, 1, 0.25, 0.5, parameter ? Double.NaN : delta, gradient));
      delta *= 10;
    }
    return all;
  }

  private static DrawnNode first(Drawing drawing, Role role) {
    return drawing.nodes().stream().filter(node -> node.role() == role).findFirst().orElseThrow();
  }

  private static String last(DrawnNode node) {
    return node.lines().get(node.lines().size() - 1);
  }

  @Test
  void deltasAreColouredFromDarkToLightByPowersOfTen() {
    Drawing plain = Drawing.of(graph, View.NETWORK);
    Drawing drawing = plain.with(statistics(), Overlay.DELTAS);
    assertEquals("‖δ‖ 1·10⁻⁸", last(first(drawing, Role.DATA)));
    // the value of the layer is that of its activation, the fifth node
    assertEquals("‖δ‖ 1·10⁻⁴", last(first(drawing, Role.LAYER)));
    assertEquals("#3b1053", first(drawing, Role.DATA).paint().fill());
    assertEquals("#fde725", first(drawing, Role.LOSS).paint().fill());
    assertEquals(plain.edges(), drawing.edges());
    List<Legend.Step> steps = drawing.legend().orElseThrow().steps();
    assertEquals("10¹", steps.get(steps.size() - 1).text());
    for (int i = 1; i < steps.size(); ++i) {
      assertNotEquals(steps.get(i - 1).paint(), steps.get(i).paint());
    }
  }

  @Test
  void drawingsCanShareAScale() {
    Drawing plain = Drawing.of(graph, View.NETWORK);
    List<NodeStatistics> small = new ArrayList<>();
    for (NodeStatistics s : statistics()) {
      double delta = s.deltaNorm() * 1e-5;
      small.add(new NodeStatistics(s.node(), 8, -1, 1, 0.25, 0.5, delta, s.gradientNorm()));
    }
    ColourScale large = plain.scale(statistics(), Overlay.DELTAS);
    assertEquals(new ColourScale(-8, 1), large);
    ColourScale both = plain.scale(small, Overlay.DELTAS).and(large);
    assertEquals(new ColourScale(-13, 1), both);
    assertEquals(both, large.and(both));
    Drawing left = plain.with(statistics(), Overlay.DELTAS, both);
    Drawing right = plain.with(small, Overlay.DELTAS, both);
    assertEquals(left.legend(), right.legend());
    // on a common scale, only the drawing with the smallest delta has the darkest colour, and only
    // the drawing with the largest delta has the lightest
    assertEquals("#3b1053", first(right, Role.DATA).paint().fill());
    assertNotEquals("#3b1053", first(left, Role.DATA).paint().fill());
    assertEquals("#fde725", first(left, Role.LOSS).paint().fill());
    assertNotEquals("#fde725", first(right, Role.LOSS).paint().fill());
    // values outside the scale get the nearest colour
    Drawing narrow = plain.with(small, Overlay.DELTAS, new ColourScale(-1, 3));
    assertEquals("#3b1053", first(narrow, Role.LOSS).paint().fill());
    assertThrows(IllegalArgumentException.class, () -> new ColourScale(2, 2));
    assertThrows(
        IllegalArgumentException.class, () -> plain.with(statistics(), Overlay.DELTAS, null));
    assertThrows(IllegalArgumentException.class, () -> large.and(null));
  }

  @Test
  void theGradientOfALayerIncludesAllItsParameters() {
    Drawing drawing = Drawing.of(loss, View.NETWORK).with(statistics(), Overlay.GRADIENTS);
    assertEquals("‖∂θ‖ 5", last(first(drawing, Role.LAYER)));
    assertEquals(
        Drawing.of(loss, View.NETWORK).nodes().get(0).lines(), drawing.nodes().get(0).lines());
  }

  @Test
  void aNanGradientIsVisible() {
    List<NodeStatistics> broken = new ArrayList<>();
    for (NodeStatistics s : statistics()) {
      boolean bad = s.node().name().equals("linear_3.bias");
      double gradient = bad ? Double.NaN : s.gradientNorm();
      broken.add(new NodeStatistics(s.node(), 8, 0, 0, 0, 0, s.deltaNorm(), gradient));
    }
    Drawing drawing = Drawing.of(loss, View.NETWORK).with(broken, Overlay.GRADIENTS);
    assertEquals("‖∂θ‖ NaN", last(first(drawing, Role.LAYER)));
    assertEquals("#c22036", first(drawing, Role.LAYER).paint().fill());
  }

  @Test
  void valuesAreShownAsMeanAndStandardDeviation() {
    Drawing drawing = Drawing.of(loss, View.CONCISE).with(statistics(), Overlay.VALUES);
    assertEquals("mean 0.25, sd 0.5", last(first(drawing, Role.OPERATION)));
  }

  @Test
  void legendsAreRenderedInMermaidAndDot() {
    Drawing drawing = Drawing.of(loss, View.NETWORK).with(statistics(), Overlay.DELTAS);
    assertTrue(drawing.toMermaid().contains("subgraph legend[\"‖δ‖"), drawing.toMermaid());
    assertTrue(drawing.toDot().contains("subgraph cluster_legend"), drawing.toDot());
  }

  @Test
  void detailedDrawingsAndMissingStatisticsAreRefused() {
    Drawing detailed = Drawing.of(loss, View.DETAILED);
    assertTrue(
        assertThrows(
                IllegalArgumentException.class, () -> detailed.with(statistics(), Overlay.DELTAS))
            .getMessage()
            .contains("expected a CONCISE or NETWORK drawing"));
    Drawing network = Drawing.of(loss, View.NETWORK);
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> network.with(List.of(), Overlay.DELTAS))
            .getMessage()
            .contains("nothing about ‖δ‖"));
    assertThrows(IllegalArgumentException.class, () -> network.with(null, Overlay.DELTAS));
  }
}
