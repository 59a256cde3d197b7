package org.chainrule.draw;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes a drawing in the DOT language of Graphviz. */
final class Dot {
  private final Drawing drawing;
  private final StringBuilder out = new StringBuilder();

  Dot(Drawing drawing) {
    this.drawing = drawing;
  }

  String write() {
    String page = Role.OPERATION.onPage();
    out.append("digraph chainrule {\n");
    out.append(drawing.direction() == Direction.RIGHT ? "  rankdir=LR;\n" : "  rankdir=TB;\n");
    out.append("  bgcolor=\"transparent\"; nodesep=0.3; ranksep=0.4;\n");
    out.append("  fontname=\"Helvetica,Arial,sans-serif\"; fontsize=11; fontcolor=\"");
    out.append(page).append("\";\n");
    out.append("  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=12, style=filled];\n");
    out.append("  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, arrowsize=0.7,");
    out.append(" color=\"").append(page).append("\"];\n");
    drawing.nodes().forEach(this::node);
    drawing.edges().forEach(this::edge);
    drawing.nodes().forEach(this::rank);
    drawing.legend().ifPresent(this::legend);
    return out.append("}\n").toString();
  }

  private void node(DrawnNode node) {
    String shape =
        switch (node.form()) {
          case SQUARE_MARK -> "shape=square, width=0.12, fixedsize=true";
          case ROUND_MARK -> "shape=circle, width=0.12, fixedsize=true";
          case CIRCLE -> "shape=circle, margin=0.02";
          case BOX -> "shape=box";
          case ROUNDED -> "shape=box, style=\"filled,rounded\"";
          case HEXAGON -> "shape=hexagon, margin=0.02";
        };
    out.append("  ").append(node.id()).append(" [label=").append(label(node.lines()));
    out.append(", ").append(shape).append(paint(node.paint())).append("];\n");
  }

  private static String paint(Paint paint) {
    return String.format(
        ", fillcolor=\"%s\", color=\"%s\", fontcolor=\"%s\"",
        paint.fill(), paint.stroke(), paint.text());
  }

  private void edge(DrawnEdge edge) {
    // A parameter is in the same rank as its operation. Graphviz orders nodes within a rank by the
    // direction of their edges. The first parameter is placed before the operation. All other
    // parameters are placed behind the operation by an edge in the reverse direction, which is
    // drawn with its arrow reversed.
    boolean behind = isBehind(edge);
    out.append("  ").append(behind ? edge.to() : edge.from());
    out.append(" -> ").append(behind ? edge.from() : edge.to());
    if (!edge.label().isEmpty()) {
      out.append(" [label=").append(label(List.of(edge.label())));
      out.append(", fontcolor=\"").append(edge.role().onPage()).append("\"]");
    }
    out.append(behind ? " [dir=back];\n" : ";\n");
  }

  private boolean isBehind(DrawnEdge edge) {
    List<DrawnNode> beside =
        drawing.nodes().stream()
            .filter(node -> node.beside().filter(edge.to()::equals).isPresent())
            .toList();
    return beside.stream().skip(1).anyMatch(node -> node.id().equals(edge.from()));
  }

  private void rank(DrawnNode node) {
    node.beside().ifPresent(id -> out.append("  {rank=same; " + node.id() + "; " + id + "}\n"));
  }

  private void legend(Legend legend) {
    out.append("  subgraph cluster_legend {\n    color=none; label=");
    out.append(label(List.of(legend.title()))).append(";\n");
    for (int i = 0; i < legend.steps().size(); ++i) {
      Legend.Step step = legend.steps().get(i);
      out.append("    s" + i + " [label=").append(label(List.of(step.text())));
      out.append(", shape=box, height=0.2").append(paint(step.paint())).append("];\n");
    }
    String chain =
        IntStream.range(0, legend.steps().size())
            .mapToObj(i -> "s" + i)
            .collect(Collectors.joining(" -> "));
    out.append("    ").append(chain).append(" [style=invis];\n  }\n");
  }

  private static String label(List<String> lines) {
    return lines.stream().map(Dot::escape).collect(Collectors.joining("\\n", "\"", "\""));
  }

  /** Escapes text for DOT, where a backslash and, as in HTML, an ampersand begin an escape. */
  static String escape(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("&", "&amp;");
  }
}
