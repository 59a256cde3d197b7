package org.chainrule.draw;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Node;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The drawing of a graph before it is rendered. */
class DrawingTest {
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 2);

  private static List<String> labels(Drawing drawing) {
    return drawing.edges().stream().map(DrawnEdge::label).toList();
  }

  private static DrawnNode with(Drawing drawing, String firstLine) {
    return drawing.nodes().stream()
        .filter(node -> !node.lines().isEmpty() && node.lines().get(0).equals(firstLine))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + firstLine + " in " + drawing.nodes()));
  }

  private static List<String> signs(Drawing drawing) {
    return drawing.nodes().stream()
        .filter(node -> node.form() == Form.CIRCLE)
        .map(node -> node.lines().get(0))
        .toList();
  }

  /** ‖(x₁θ₁ + x₂θ₂) − y‖². */
  private Node linearRegression() {
    Node theta = graph.parameter("theta", 1, 2, Initializer.zeros());
    Node f = graph.linear(x, theta).named("f");
    return graph.squaredError(f, graph.target("y", 1));
  }

  @Test
  void elementaryOperationsAreCirclesAndVariablesLabelArrows() {
    Drawing drawing = Drawing.of(linearRegression(), View.DETAILED);
    assertEquals(List.of("×", "×", "+", "−", "‖ ‖²"), signs(drawing));
    assertEquals(
        Set.of("x₁", "θ₁", "x₂", "θ₂", "y", "f", "t₁", "t₂", "t₃", "L"),
        new HashSet<>(labels(drawing)));
    for (DrawnNode node : drawing.nodes()) {
      assertTrue(node.form() == Form.CIRCLE || node.form().isMark(), node.toString());
    }
  }

  @Test
  void aSliceOfAMatrixSelectsRows() {
    Node weight = graph.parameter("W", 4, 2, Initializer.zeros());
    Drawing drawing = Drawing.of(weight.slice(2, 4).square(), View.DETAILED);
    List<String> weights = labels(drawing).stream().filter(label -> label.startsWith("w")).toList();
    assertEquals(List.of("w₃₁", "w₃₂", "w₄₁", "w₄₂"), weights);
  }

  @Test
  void namesThatDifferByTheirNumberAreDrawnDifferently() {
    Node sum = x;
    for (String name : List.of("theta", "theta0", "theta1", "theta01")) {
      sum = sum.add(graph.parameter(name, 2, Initializer.zeros()));
    }
    Drawing drawing = Drawing.of(sum, View.CONCISE);
    for (String name : List.of("θ", "θ₀", "θ₁", "theta01")) {
      with(drawing, name);
    }
  }

  @Test
  void symbolsOfALayerHaveItsNumberAsSuperscript() {
    graph.binaryCrossEntropy(x.linear(3).sigmoid().linear(1), graph.target("y", 1));
    Set<String> labels = new HashSet<>(labels(Drawing.of(graph, View.DETAILED)));
    for (String label :
        List.of("w⁽¹⁾₃₂", "b⁽¹⁾₃", "z⁽¹⁾₂", "a⁽¹⁾₂", "w⁽²⁾₃", "b₂", "z₂", "y", "L")) {
      assertTrue(labels.contains(label), label + " is not in " + labels);
    }
  }

  @Test
  void conciseDrawsAParameterBesideItsOnlyOperation() {
    Node hidden = x.linear(128);
    graph.meanSquaredError(hidden.relu(), graph.target("y", 128));
    Drawing drawing = Drawing.of(graph, View.CONCISE);
    DrawnNode linear = with(drawing, "W x + b");
    assertEquals(List.of("W x + b", "ℝ¹²⁸"), linear.lines());
    DrawnNode weight = with(drawing, "W");
    assertEquals(List.of("W", "128 × 2", "256 parameters"), weight.lines());
    assertEquals(Optional.of(linear.id()), weight.beside());
    assertEquals(Optional.of(linear.id()), with(drawing, "b").beside());
    assertEquals(List.of("x", "ℝ²"), with(drawing, "x").lines());
    assertEquals(List.of("¹⁄₁₂₈ ‖a − y‖²", "ℝ"), with(drawing, "¹⁄₁₂₈ ‖a − y‖²").lines());
    assertEquals(List.of("", "", "", "z", "a", ""), labels(drawing));
    assertTrue(weight.form() != with(drawing, "x").form(), "forms must differ");
    assertFalse(weight.paint().equals(with(drawing, "x").paint()), "colours must differ");
  }

  @Test
  void aSharedParameterHasAnArrowToEachOfItsOperations() {
    Node weight = graph.parameter("W", 3, 2, Initializer.zeros());
    Node code = graph.linear(x, weight).tanh();
    graph.meanSquaredError(graph.linearTransposed(code, weight), x);
    for (View view : List.of(View.CONCISE, View.NETWORK)) {
      Drawing drawing = Drawing.of(graph, view);
      DrawnNode shared = with(drawing, "W");
      assertEquals(Optional.empty(), shared.beside());
      assertEquals(
          2, drawing.edges().stream().filter(edge -> edge.from().equals(shared.id())).count());
    }
    with(Drawing.of(graph, View.CONCISE), "Wᵀ a₁");
  }

  @Test
  void aParameterUsedTwiceByOneOperationHasOneArrow() {
    Node p = graph.parameter("p", 2, Initializer.zeros());
    graph.multiply(p, p).sum();
    Drawing drawing = Drawing.of(graph.node("sum_3"), View.CONCISE);
    assertEquals(2, drawing.edges().size());
  }

  @Test
  void networkMergesALayerWithItsActivation() {
    Node hidden = x.linear(16).relu();
    Node logits = hidden.linear(3, "logits");
    graph.softmaxCrossEntropy(logits, graph.label("class", 3));
    Drawing drawing = Drawing.of(graph, View.NETWORK);
    assertEquals(
        List.of("linear + ReLU", "2 → 16", "48 parameters"),
        with(drawing, "linear + ReLU").lines());
    assertEquals(
        List.of("linear", "logits", "16 → 3", "51 parameters"), with(drawing, "linear").lines());
    assertEquals(List.of("class", "3 classes"), with(drawing, "class").lines());
    assertEquals(Role.LOSS, with(drawing, "cross-entropy").role());
    assertEquals(4, drawing.edges().size());
  }

  @Test
  void aBranchEndsABlock() {
    Node z = x.linear(4);
    graph.add(z.sigmoid(), z.tanh());
    Drawing drawing = Drawing.of(graph, View.NETWORK);
    assertEquals(Role.LAYER, with(drawing, "linear").role());
    assertEquals(Role.OPERATION, with(drawing, "σ").role());
  }

  @Test
  void onlyTheAncestorsOfANodeAreDrawnWithIt() {
    Node wanted = x.sigmoid();
    x.tanh();
    Drawing drawing = Drawing.of(wanted, View.CONCISE);
    assertEquals(2, drawing.nodes().size());
    with(drawing, "σ");
  }

  @Test
  void detailedRefusesGraphsThatAreTooLarge() {
    Node wide = x.linear(100);
    String message =
        assertThrows(IllegalArgumentException.class, () -> Drawing.of(graph, View.DETAILED))
            .getMessage();
    assertEquals(
        "drawing: DETAILED draws at most 200 elementary operations, but this graph exceeds the"
            + " limit at node '"
            + wide.name()
            + "'; draw CONCISE or NETWORK, or a smaller graph of the same structure",
        message);
    Graph huge = new Graph();
    huge.input("x", 1L << 30);
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Drawing.of(huge, View.DETAILED))
            .getMessage()
            .contains("alone has 1,073,741,824 numbers"));
    Drawing.of(huge, View.CONCISE);
  }

  @Test
  void emptyGraphsAndNullsAreRefused() {
    Graph empty = new Graph();
    for (View view : View.values()) {
      assertThrows(IllegalArgumentException.class, () -> Drawing.of(empty, view));
    }
    assertThrows(IllegalArgumentException.class, () -> Drawing.of((Graph) null, View.CONCISE));
    assertThrows(IllegalArgumentException.class, () -> Drawing.of((Node) null, View.CONCISE));
    assertThrows(IllegalArgumentException.class, () -> Drawing.of(x, null));
  }

  @Test
  void aDeepGraphNeedsNoDeepStack() {
    Node node = x;
    for (int i = 0; i < 20_000; ++i) {
      node = node.tanh();
    }
    assertEquals(20_001, Drawing.of(node, View.CONCISE).nodes().size());
  }

  @ParameterizedTest
  @EnumSource(View.class)
  void everyArrowPointsFromAnEarlierNodeToALaterOne(View view) {
    Graph all = Everything.graph();
    Drawing drawing = Drawing.of(all, view);
    Set<String> seen = new HashSet<>();
    for (DrawnNode node : drawing.nodes()) {
      for (DrawnEdge edge : drawing.edges()) {
        assertTrue(!edge.to().equals(node.id()) || seen.contains(edge.from()), edge.toString());
      }
      assertTrue(seen.add(node.id()), "the id " + node.id() + " is used twice");
    }
    drawing.edges().forEach(edge -> assertTrue(seen.contains(edge.to()), edge.toString()));
  }

  @Test
  void coloursAreLegibleOnLightAndDarkPages() {
    for (Role role : Role.values()) {
      Paint paint = role.paint();
      assertTrue(contrast(paint.text(), paint.fill()) >= 7, role + " inside");
      assertTrue(contrast(role.onPage(), "#ffffff") >= 3.5, role + " on a light page");
      assertTrue(contrast(role.onPage(), "#0d1117") >= 3.5, role + " on a dark page");
    }
  }

  /** The contrast ratio of WCAG 2. */
  private static double contrast(String a, String b) {
    double lighter = Math.max(luminance(a), luminance(b));
    double darker = Math.min(luminance(a), luminance(b));
    return (lighter + 0.05) / (darker + 0.05);
  }

  private static double luminance(String colour) {
    double sum = 0;
    double[] weights = {0.2126, 0.7152, 0.0722};
    for (int i = 0; i < weights.length; ++i) {
      double c = Integer.parseInt(colour.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
      sum += weights[i] * (c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
  }
}
