package org.chainrule.draw;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mermaid and DOT text. */
class RenderTest {
  private static Graph hostile(String name) {
    Graph graph = new Graph();
    graph.linear(graph.input(name, 2), 2).named(name + "!");
    return graph;
  }

  @Test
  void mermaidOfALayer() {
    Graph graph = new Graph();
    graph.input("x", 2).linear(3).relu();
    assertEquals(
        """
        flowchart LR
          n0["x<br/>ℝ²"]
          n1{{"W<br/>3 × 2<br/>6 parameters"}}
          n2{{"b<br/>3 parameters"}}
          n3("W x #43; b<br/>ℝ³")
          n4("ReLU<br/>ℝ³")
          n0 --> n3
          n1 --> n3
          n2 --> n3
          n3 -->|"z"| n4
          classDef c0 fill:#dbe9fb,stroke:#2f6fc4,color:#0c2a52
          class n0 c0
          classDef c1 fill:#f5f5f2,stroke:#6b7078,color:#1b1e22
          class n3,n4 c1
          classDef c2 fill:#fbe6c4,stroke:#b8690f,color:#4a2a02
          class n1,n2 c2
          linkStyle default stroke:#727a84
        """,
        Drawing.of(graph, View.CONCISE).toMermaid().replace('\u00A0', ' '));
  }

  @Test
  void dotDrawsParametersInTheRankOfTheirOperation() {
    Graph graph = new Graph();
    graph.input("x", 2).linear(3);
    String dot = Drawing.of(graph, View.CONCISE).toDot();
    assertTrue(dot.startsWith("digraph chainrule {\n  rankdir=LR;\n"), dot);
    assertTrue(
        dot.contains("  n3 [label=\"W x + b\\nℝ³\", shape=box, style=\"filled,rounded\""), dot);
    assertTrue(dot.contains("{rank=same; n1; n3}"), dot);
    assertTrue(dot.contains("{rank=same; n2; n3}"), dot);
    assertTrue(dot.contains("  n1 -> n3;\n"), dot);
    assertTrue(
        dot.contains("  n3 -> n2 [dir=back];\n"), "the bias must be on the other side: " + dot);
  }

  @Test
  void mermaidEscapesNames() {
    String dot = "\"] --> b; %% <script>alert(1)</script> `x` #35; & | {{}} \\ 1. [a]";
    String text = Drawing.of(hostile(dot), View.CONCISE).toMermaid();
    for (String part : new String[] {"<script", "%%", "`", "&", "\\", "{{}}", "[a]", "] -->"}) {
      assertFalse(text.contains(part), part + " in\n" + text);
    }
    // the remaining quotes are pairs around labels
    text.lines()
        .forEach(line -> assertEquals(0, line.chars().filter(c -> c == '"').count() % 2, line));
    assertEquals("#34;#93;#35;", Mermaid.escape("\"]#"));
    // Mermaid internally encodes #35; and #amp; as ﬂ°°35¶ß and ﬂ°amp¶ß, so these must not occur
    assertEquals("ﬂ#176;#176;35#182;ß", Mermaid.escape("ﬂ°°35¶ß"));
    assertEquals("ﬂ#176;amp#182;ß", Mermaid.escape("ﬂ°amp¶ß"));
  }

  @Test
  void dotEscapesNames() {
    assertEquals("\\\"a\\\\N &amp;lt; {|}", Dot.escape("\"a\\N &lt; {|}"));
    String text = Drawing.of(hostile("\"]; evil [label=\"x\\"), View.CONCISE).toDot();
    assertTrue(text.contains("\\\"]; evil [label=\\\"x\\\\"), text);
  }

  @Test
  void namesAreCleanedAndShortened() {
    assertEquals("a␊b", Text.clean("a\nb"));
    assertEquals("\uFFFD", Text.clean("\uD83D"));
    assertEquals("\uFFFD", Text.clean("\u202E"));
    assertEquals("größe 😀", Text.clean("größe 😀"));
    String clean = Text.clean("x".repeat(500) + "end");
    assertEquals(28, clean.length());
    assertTrue(clean.startsWith("xxxx") && clean.contains("…") && clean.endsWith("end"), clean);
  }

  @Test
  void numbersAndIndicesAreFormatted() {
    assertEquals("₁₀", Text.subscript(10));
    assertEquals("⁻³", Text.superscript(-3));
    assertEquals("⁽²⁾", Text.layer(2));
    assertEquals("0.0625", Text.number(0.0625));
    assertEquals("−2", Text.number(-2));
    assertEquals("1.5·10⁻⁴", Text.number(1.5e-4));
    assertEquals("¹⁄₁₆", Text.factor(0.0625));
    assertEquals("0.3", Text.factor(0.3));
    assertEquals("3.2·10⁻⁵", Text.scientific(3.2e-5));
    assertEquals("0.022", Text.measure(0.0223));
    assertEquals("−1", Text.measure(-1.0001));
    assertEquals("990", Text.measure(994));
    assertEquals("1·10³", Text.measure(1000));
    assertEquals("9·10⁻³", Text.measure(0.009));
    assertEquals("0", Text.measure(0));
    assertEquals("NaN", Text.measure(Double.NaN));
    assertEquals("NaN", Text.scientific(Double.NaN));
    assertEquals("−∞", Text.scientific(Double.NEGATIVE_INFINITY));
    assertEquals("w⁽²⁾₁₃", new Symbol("W", 2).entry(1, 2, 3, 3));
    assertEquals("w₁₀,₁₂", new Symbol("W").entry(10, 20, 12, 20));
    assertEquals("θ₂", new Symbol("θ").entry(1, 1, 2, 2));
    assertEquals("θ₁", Notation.named("theta_1").toString());
    assertEquals("fc1", Notation.named("fc1").toString());
    assertEquals("θ₀", Notation.named("theta0").toString());
    assertEquals("θ", Notation.named("theta").toString());
    assertEquals("x₀", Notation.named("x_0").toString());
    assertEquals("x₁₀", Notation.named("x10").toString());
    assertEquals("x01", Notation.named("x01").toString());
    assertEquals("x00", Notation.named("x00").toString());
    assertEquals("w⁽⁰⁾₁₃", new Symbol("W", 0).entry(1, 2, 3, 3));
  }

  @ParameterizedTest
  @EnumSource(View.class)
  void everyOperationHasATextInEachView(View view) {
    Drawing drawing = Drawing.of(Everything.graph(), view);
    for (DrawnNode node : drawing.nodes()) {
      assertEquals(node.form().isMark(), node.lines().isEmpty(), node.toString());
      assertTrue(node.lines().stream().noneMatch(String::isBlank), node.toString());
    }
    assertEquals(
        drawing.nodes().size() + drawing.edges().size(),
        Arrays.stream(drawing.toMermaid().split("\n"))
            .filter(line -> line.startsWith("  n"))
            .count());
  }

  @Test
  void theSameGraphGivesTheSameText() {
    Graph graph = new Graph();
    graph.input("x", 2).linear(3, Initializer.zeros()).gelu();
    assertEquals(Drawing.of(graph, View.NETWORK).toDot(), Drawing.of(graph, View.NETWORK).toDot());
  }
}
