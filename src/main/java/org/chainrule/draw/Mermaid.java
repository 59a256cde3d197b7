package org.chainrule.draw;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes a drawing as a Mermaid flowchart. */
final class Mermaid {
  private final Drawing drawing;
  private final StringBuilder out = new StringBuilder();

  Mermaid(Drawing drawing) {
    this.drawing = drawing;
  }

  String write() {
    out.append(drawing.direction() == Direction.RIGHT ? "flowchart LR\n" : "flowchart TD\n");
    drawing.nodes().forEach(this::node);
    drawing.edges().forEach(this::edge);
    drawing.legend().ifPresent(this::legend);
    paints();
    return out.toString();
  }

  private void node(DrawnNode node) {
    String text = label(node.lines());
    out.append("  ").append(node.id());
    out.append(
        switch (node.form()) {
          case SQUARE_MARK -> "[\" \"]";
          case ROUND_MARK -> "((\" \"))";
          case CIRCLE -> "((" + text + "))";
          case BOX -> "[" + text + "]";
          case ROUNDED -> "(" + text + ")";
          case HEXAGON -> "{{" + text + "}}";
        });
    out.append('\n');
  }

  private void edge(DrawnEdge edge) {
    out.append("  ").append(edge.from()).append(" -->");
    if (!edge.label().isEmpty()) {
      out.append('|').append(label(List.of(edge.label()))).append('|');
    }
    out.append(' ').append(edge.to()).append('\n');
  }

  private void legend(Legend legend) {
    out.append("  subgraph legend[").append(label(List.of(legend.title()))).append("]\n");
    List<Legend.Step> steps = legend.steps();
    for (int i = 0; i < steps.size(); ++i) {
      out.append("    s" + i + "[").append(label(List.of(steps.get(i).text()))).append("]\n");
      if (i > 0) {
        out.append("    s" + (i - 1) + " ~~~ s" + i + "\n");
      }
    }
    out.append("  end\n  style legend fill:none,stroke:none\n");
  }

  /** Writes one style class per set of colours. */
  private void paints() {
    Map<String, StringBuilder> classes = new TreeMap<>();
    drawing.nodes().forEach(node -> paint(classes, node.paint(), node.id()));
    drawing
        .legend()
        .ifPresent(
            legend -> {
              for (int i = 0; i < legend.steps().size(); ++i) {
                paint(classes, legend.steps().get(i).paint(), "s" + i);
              }
            });
    int count = 0;
    for (Map.Entry<String, StringBuilder> paint : classes.entrySet()) {
      String name = "c" + count++;
      out.append("  classDef " + name + " " + paint.getKey() + "\n");
      out.append("  class " + paint.getValue() + " " + name + "\n");
    }
    if (!drawing.edges().isEmpty()) {
      out.append("  linkStyle default stroke:" + Role.OPERATION.onPage() + "\n");
    }
  }

  private static void paint(Map<String, StringBuilder> classes, Paint paint, String id) {
    String style = "fill:" + paint.fill() + ",stroke:" + paint.stroke() + ",color:" + paint.text();
    StringBuilder ids = classes.computeIfAbsent(style, key -> new StringBuilder());
    ids.append(ids.isEmpty() ? "" : ",").append(id);
  }

  private static String label(List<String> lines) {
    StringBuilder text = new StringBuilder("\"");
    for (String line : lines) {
      text.append(text.length() == 1 ? "" : "<br/>").append(escape(line));
    }
    return text.append('"').toString();
  }

  /**
   * Escapes text for Mermaid. Characters with a meaning in Mermaid, HTML or Markdown become
   * #number;. The signs ° and ¶ are also escaped because Mermaid uses them internally for such
   * numbers. Spaces become no-break spaces because Mermaid would break long lines.
   */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    text.codePoints()
        .forEach(
            point -> {
              boolean plain =
                  (point > 0x7F && point != '°' && point != '¶')
                      || Character.isLetterOrDigit(point)
                      || ",.()=:/".indexOf(point) >= 0;
              if (point == ' ') {
                escaped.append('\u00A0');
              } else if (plain) {
                escaped.appendCodePoint(point);
              } else {
                escaped.append('#').append(point).append(';');
              }
            });
    return escaped.toString();
  }
}
