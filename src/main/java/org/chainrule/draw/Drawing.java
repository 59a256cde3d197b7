package org.chainrule.draw;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.chainrule.Graph;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;

/**
 * The content of a picture of a {@link Graph}: nodes, arrows and text, without positions on a page.
 * {@link #toMermaid()} and {@link #toDot()} render a drawing as text. The module chainrule-visual
 * renders it as SVG and HTML.
 *
 * <pre>{@code
 * System.out.println(Drawing.of(graph, View.CONCISE).toMermaid());
 * }</pre>
 *
 * @param view the level of detail
 * @param direction the direction of the arrows
 * @param nodes the drawn nodes, in an order in which they can be computed
 * @param edges the arrows
 * @param legend the meaning of the colours, if they show an {@link Overlay}
 */
public record Drawing(
    View view,
    Direction direction,
    List<DrawnNode> nodes,
    List<DrawnEdge> edges,
    Optional<Legend> legend) {
  /** The largest number of elementary operations that {@link View#DETAILED} draws. */
  public static final int MOST_ELEMENTARY = 200;

  /** Longer chains of nodes are drawn from top to bottom, so that they fit on a page. */
  private static final int LONGEST_RIGHT = 7;

  /**
   * Creates a drawing with copies of the lists.
   *
   * @param view the level of detail
   * @param direction the direction of the arrows
   * @param nodes the drawn nodes
   * @param edges the arrows
   * @param legend the meaning of the colours
   */
  public Drawing {
    nodes = List.copyOf(nodes);
    edges = List.copyOf(edges);
  }

  /**
   * Draws a whole graph.
   *
   * @param graph a graph with at least one node
   * @param view the level of detail
   * @return the drawing
   * @throws IllegalArgumentException if the graph is too large for {@link View#DETAILED}
   */
  public static Drawing of(Graph graph, View view) {
    require(graph != null, "the graph must not be null");
    return draw(graph.nodes(), view);
  }

  /**
   * Draws a node, such as a loss, and all nodes from which it is computed.
   *
   * @param result the node
   * @param view the level of detail
   * @return the drawing
   * @throws IllegalArgumentException if this part of the graph is too large for {@link
   *     View#DETAILED}
   */
  public static Drawing of(Node result, View view) {
    require(result != null, "the node must not be null");
    List<Node> order = new ArrayList<>();
    collect(result, order);
    return draw(order, view);
  }

  /**
   * Colours the nodes by their statistics on a batch, with a scale that fits this drawing.
   *
   * @param statistics the result of {@link org.chainrule.Gradients#statistics} for a model of this
   *     graph
   * @param overlay the quantity to show
   * @return the same drawing in other colours, with an additional line in the nodes and a legend
   * @throws IllegalArgumentException if this is a {@link View#DETAILED} drawing, whose nodes are
   *     single numbers, or if the statistics do not contain the quantity for any node
   */
  public Drawing with(List<NodeStatistics> statistics, Overlay overlay) {
    return with(statistics, overlay, scale(statistics, overlay));
  }

  /**
   * Colours the nodes by their statistics on a batch, with a given scale.
   *
   * @param statistics the result of {@code gradients.statistics(batch)} for a model of this graph
   * @param overlay the quantity to show
   * @param scale the meaning of the colours; a number outside the scale has the nearest colour
   * @return the same drawing in other colours, with an additional line in the nodes and a legend
   * @throws IllegalArgumentException as {@link #with(List, Overlay)} does
   */
  public Drawing with(List<NodeStatistics> statistics, Overlay overlay, ColourScale scale) {
    require(scale != null, "the colour scale must not be null");
    return tint(statistics, overlay).apply(this, scale);
  }

  /**
   * Returns the scale that fits the numbers of an overlay.
   *
   * @param statistics the result of {@code gradients.statistics(batch)} for a model of this graph
   * @param overlay the quantity to show
   * @return a scale of at least three powers of ten that contains all positive finite numbers
   * @throws IllegalArgumentException as {@link #with(List, Overlay)} does
   */
  public ColourScale scale(List<NodeStatistics> statistics, Overlay overlay) {
    return tint(statistics, overlay).scale(this);
  }

  private Tint tint(List<NodeStatistics> statistics, Overlay overlay) {
    require(statistics != null && overlay != null, "statistics and overlay must not be null");
    require(
        view != View.DETAILED,
        "expected a CONCISE or NETWORK drawing for statistics, but got a DETAILED one");
    return new Tint(statistics, overlay);
  }

  /** {@return a Mermaid flowchart, which Markdown pages can show as a code block} */
  public String toMermaid() {
    return new Mermaid(this).write();
  }

  /** {@return the drawing in the DOT language of Graphviz} */
  public String toDot() {
    return new Dot(this).write();
  }

  private static Drawing draw(List<Node> nodes, View view) {
    require(view != null, "the view must not be null");
    require(!nodes.isEmpty(), "there is nothing to draw: the graph has no nodes");
    Sketch sketch =
        switch (view) {
          case DETAILED -> new Detailed(nodes).sketch();
          case CONCISE -> new Concise(nodes).sketch();
          case NETWORK -> new Network(nodes).sketch();
        };
    boolean isLong = view != View.DETAILED && sketch.longestChain() > LONGEST_RIGHT;
    return new Drawing(
        view,
        isLong ? Direction.DOWN : Direction.RIGHT,
        sketch.nodes(),
        sketch.edges(),
        Optional.empty());
  }

  /**
   * Adds all nodes that the result depends on to the order, then the result. Does not recurse,
   * because graphs can be deep.
   */
  private static void collect(Node result, List<Node> order) {
    Set<Node> done = new HashSet<>();
    Deque<Node> open = new ArrayDeque<>(List.of(result));
    while (!open.isEmpty()) {
      Node node = open.peek();
      List<Node> missing = node.inputs().stream().filter(input -> !done.contains(input)).toList();
      if (missing.isEmpty()) {
        open.pop();
        if (done.add(node)) {
          order.add(node);
        }
      } else {
        // push the first input last, so that inputs are in the order in which formulas name them
        for (int i = missing.size() - 1; i >= 0; --i) {
          open.push(missing.get(i));
        }
      }
    }
  }

  static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException("drawing: " + message);
    }
  }
}
