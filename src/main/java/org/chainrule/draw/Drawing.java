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
 * A picture of a {@link Graph}, before it has places on a page: what is drawn, what leads to what,
 * what is written. All renderers take this one: {@link #toMermaid()} and {@link #toDot()} here, SVG
 * and HTML in the module chainrule-visual.
 *
 * <pre>{@code
 * System.out.println(Drawing.of(graph, View.CONCISE).toMermaid());
 * }</pre>
 *
 * @param view how closely the graph is looked at
 * @param direction where arrows lead
 * @param nodes what is drawn, in an order in which it can be computed
 * @param edges the arrows
 * @param legend what colours mean, where they come from an {@link Overlay}
 */
public record Drawing(
    View view,
    Direction direction,
    List<DrawnNode> nodes,
    List<DrawnEdge> edges,
    Optional<Legend> legend) {
  /** The most elementary operations that {@link View#DETAILED} draws. */
  public static final int MOST_ELEMENTARY = 200;

  /** A chain of more nodes than this is drawn from top to bottom, so that it fits on a page. */
  private static final int LONGEST_RIGHT = 7;

  /**
   * Copies the lists.
   *
   * @param view how closely the graph is looked at
   * @param direction where arrows lead
   * @param nodes what is drawn
   * @param edges the arrows
   * @param legend what colours mean
   */
  public Drawing {
    nodes = List.copyOf(nodes);
    edges = List.copyOf(edges);
  }

  /**
   * Draws all of a graph.
   *
   * @param graph with one node or more
   * @param view how closely to look
   * @return a drawing
   * @throws IllegalArgumentException if the graph is too large for {@link View#DETAILED}
   */
  public static Drawing of(Graph graph, View view) {
    require(graph != null, "the graph must not be null");
    return draw(graph.nodes(), view);
  }

  /**
   * Draws what a node is computed from, such as a loss.
   *
   * @param result a node
   * @param view how closely to look
   * @return a drawing
   * @throws IllegalArgumentException if that is too much for {@link View#DETAILED}
   */
  public static Drawing of(Node result, View view) {
    require(result != null, "the node must not be null");
    List<Node> order = new ArrayList<>();
    collect(result, order);
    return draw(order, view);
  }

  /**
   * Colours the nodes by what a batch makes of them, on a scale of this drawing alone.
   *
   * @param statistics as {@link org.chainrule.Gradients#statistics} gives it, for a model of this
   *     graph
   * @param overlay what to show
   * @return the same drawing in other colours, with a line more on the nodes and a legend
   * @throws IllegalArgumentException if this is a {@link View#DETAILED} drawing, whose nodes are
   *     single numbers, or if there is no number to show
   */
  public Drawing with(List<NodeStatistics> statistics, Overlay overlay) {
    return with(statistics, overlay, scale(statistics, overlay));
  }

  /**
   * Colours the nodes on a scale that other drawings share.
   *
   * @param statistics as {@code gradients.statistics(batch)} gives it, for a model of this graph
   * @param overlay what to show
   * @param scale what the colours mean; a number outside it has the nearest colour
   * @return the same drawing in other colours, with a line more on the nodes and a legend
   * @throws IllegalArgumentException as {@link #with(List, Overlay)} does
   */
  public Drawing with(List<NodeStatistics> statistics, Overlay overlay, ColourScale scale) {
    require(scale != null, "the colour scale must not be null");
    return tint(statistics, overlay).apply(this, scale);
  }

  /**
   * The scale that fits the numbers of an overlay.
   *
   * @param statistics as {@code gradients.statistics(batch)} gives it, for a model of this graph
   * @param overlay what to show
   * @return at least three powers of ten, with all positive and finite numbers between them
   * @throws IllegalArgumentException as {@link #with(List, Overlay)} does
   */
  public ColourScale scale(List<NodeStatistics> statistics, Overlay overlay) {
    return tint(statistics, overlay).scale(this);
  }

  private Tint tint(List<NodeStatistics> statistics, Overlay overlay) {
    require(statistics != null && overlay != null, "statistics and overlay must not be null");
    require(
        view != View.DETAILED,
        "statistics are about vectors: colour a CONCISE or NETWORK drawing, not a DETAILED one");
    return new Tint(statistics, overlay);
  }

  /** {@return a Mermaid flowchart, as Markdown pages show in a code block} */
  public String toMermaid() {
    return new Mermaid(this).write();
  }

  /** {@return a graph in the DOT language, for Graphviz} */
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

  /** Adds the node behind all it depends on; without recursion, for graphs may be deep. */
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
        // the first input on top: the order in which formulas name them
        for (int i = missing.size() - 1; i >= 0; --i) {
          open.push(missing.get(i));
        }
      }
    }
  }

  static void require(boolean holds, String sentence) {
    if (!holds) {
      throw new IllegalArgumentException("drawing: " + sentence);
    }
  }
}
