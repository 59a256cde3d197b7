package org.chainrule.visual.drawings;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.draw.Direction;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.DrawnEdge;
import org.chainrule.draw.DrawnNode;
import org.chainrule.draw.View;
import org.eclipse.elk.alg.layered.options.EdgeLabelSideSelection;
import org.eclipse.elk.alg.layered.options.LayeredMetaDataProvider;
import org.eclipse.elk.alg.layered.options.LayeredOptions;
import org.eclipse.elk.alg.layered.options.NodePlacementStrategy;
import org.eclipse.elk.alg.layered.options.OrderingStrategy;
import org.eclipse.elk.core.RecursiveGraphLayoutEngine;
import org.eclipse.elk.core.data.LayoutMetaDataService;
import org.eclipse.elk.core.math.ElkPadding;
import org.eclipse.elk.core.options.CoreOptions;
import org.eclipse.elk.core.options.EdgeLabelPlacement;
import org.eclipse.elk.core.options.EdgeRouting;
import org.eclipse.elk.core.options.PortConstraints;
import org.eclipse.elk.core.options.PortSide;
import org.eclipse.elk.core.util.BasicProgressMonitor;
import org.eclipse.elk.graph.ElkBendPoint;
import org.eclipse.elk.graph.ElkConnectableShape;
import org.eclipse.elk.graph.ElkEdge;
import org.eclipse.elk.graph.ElkEdgeSection;
import org.eclipse.elk.graph.ElkLabel;
import org.eclipse.elk.graph.ElkNode;
import org.eclipse.elk.graph.ElkPort;
import org.eclipse.elk.graph.util.ElkGraphUtil;

/** Computes the places of a drawing's nodes, arrows and labels with ELK's layered algorithm. */
final class Layout {
  private static final double MARGIN = 8;

  static {
    // Register once. The service is global, and threads read it while they compute layouts.
    LayoutMetaDataService.getInstance()
        .registerLayoutMetaDataProviders(new LayeredMetaDataProvider());
  }

  private final Drawing drawing;
  private final boolean right;
  private final Map<String, Group> groups = new LinkedHashMap<>();
  private final Map<String, ElkNode> elkNodes = new HashMap<>();
  private final Map<String, Integer> arriving = new HashMap<>();
  private final Map<String, Place> places = new LinkedHashMap<>();
  private final List<Line> lines = new ArrayList<>();
  private double width;
  private double height;

  Layout(Drawing drawing) {
    this.drawing = drawing;
    this.right = drawing.direction() == Direction.RIGHT;
    group();
    ElkNode root = root();
    Map<ElkEdge, DrawnEdge> edges = fill(root);
    new RecursiveGraphLayoutEngine().layout(root, new BasicProgressMonitor());
    read(root, edges);
  }

  double width() {
    return width;
  }

  double height() {
    return height;
  }

  /** Returns the place of each node by its id. */
  Map<String, Place> places() {
    return places;
  }

  List<Line> lines() {
    return lines;
  }

  private void group() {
    Map<String, List<DrawnNode>> beside = new HashMap<>();
    for (DrawnNode node : drawing.nodes()) {
      node.beside().ifPresent(id -> beside.computeIfAbsent(id, key -> new ArrayList<>()).add(node));
    }
    for (DrawnNode node : drawing.nodes()) {
      if (node.beside().isEmpty()) {
        List<DrawnNode> parts = beside.getOrDefault(node.id(), List.of());
        groups.put(node.id(), new Group(node, parts, drawing.direction()));
      }
    }
  }

  private ElkNode root() {
    ElkNode root = ElkGraphUtil.createGraph();
    root.setProperty(CoreOptions.ALGORITHM, LayeredOptions.ALGORITHM_ID);
    root.setProperty(
        CoreOptions.DIRECTION,
        right
            ? org.eclipse.elk.core.options.Direction.RIGHT
            : org.eclipse.elk.core.options.Direction.DOWN);
    root.setProperty(CoreOptions.PADDING, new ElkPadding(MARGIN));
    root.setProperty(CoreOptions.RANDOM_SEED, 1);
    boolean numbers = drawing.view() == View.DETAILED;
    root.setProperty(
        CoreOptions.EDGE_ROUTING, numbers ? EdgeRouting.SPLINES : EdgeRouting.ORTHOGONAL);
    root.setProperty(LayeredOptions.NODE_PLACEMENT_STRATEGY, NodePlacementStrategy.NETWORK_SIMPLEX);
    root.setProperty(LayeredOptions.THOROUGHNESS, 40);
    root.setProperty(
        LayeredOptions.CONSIDER_MODEL_ORDER_STRATEGY, OrderingStrategy.NODES_AND_EDGES);
    root.setProperty(LayeredOptions.EDGE_LABELS_SIDE_SELECTION, EdgeLabelSideSelection.ALWAYS_UP);
    root.setProperty(LayeredOptions.SPACING_NODE_NODE, numbers ? 18.0 : 26.0);
    root.setProperty(LayeredOptions.SPACING_NODE_NODE_BETWEEN_LAYERS, right ? 26.0 : 18.0);
    root.setProperty(LayeredOptions.SPACING_EDGE_NODE, 14.0);
    root.setProperty(LayeredOptions.SPACING_EDGE_NODE_BETWEEN_LAYERS, 14.0);
    root.setProperty(LayeredOptions.SPACING_EDGE_EDGE, 12.0);
    root.setProperty(LayeredOptions.SPACING_EDGE_LABEL, 3.0);
    return root;
  }

  private Map<ElkEdge, DrawnEdge> fill(ElkNode root) {
    for (Group group : groups.values()) {
      ElkNode node = ElkGraphUtil.createNode(root);
      node.setDimensions(group.width(), group.height());
      if (!group.beside().isEmpty()) {
        node.setProperty(CoreOptions.PORT_CONSTRAINTS, PortConstraints.FIXED_POS);
      }
      elkNodes.put(group.node().id(), node);
    }
    for (DrawnEdge edge : drawing.edges()) {
      arriving.merge(edge.to(), groups.containsKey(edge.from()) ? 1 : 0, Integer::sum);
    }
    Map<ElkEdge, DrawnEdge> edges = new LinkedHashMap<>();
    Map<String, Integer> arrived = new HashMap<>();
    for (DrawnEdge edge : drawing.edges()) {
      if (groups.containsKey(edge.from())) {
        ElkEdge elk = ElkGraphUtil.createEdge(root);
        int number = arrived.merge(edge.to(), 1, Integer::sum);
        elk.getSources().add(end(edge.from(), false, 0.5));
        elk.getTargets().add(end(edge.to(), true, number / (arriving.get(edge.to()) + 1.0)));
        label(elk, edge);
        edges.put(elk, edge);
      }
    }
    return edges;
  }

  /**
   * Returns where an edge is attached: a node or, for a group, a new port at the group's operation.
   *
   * @param in true if the edge ends here
   * @param part the position of the port along the side of the operation, from 0 to 1
   */
  private ElkConnectableShape end(String id, boolean in, double part) {
    Group group = groups.get(id);
    ElkNode node = elkNodes.get(id);
    if (group.beside().isEmpty()) {
      return node;
    }
    Place place = group.places().get(id);
    ElkPort port = ElkGraphUtil.createPort(node);
    if (right) {
      port.setProperty(CoreOptions.PORT_SIDE, in ? PortSide.WEST : PortSide.EAST);
      port.setLocation(in ? 0 : group.width(), place.y() + part * place.height());
    } else {
      port.setProperty(CoreOptions.PORT_SIDE, in ? PortSide.NORTH : PortSide.SOUTH);
      port.setLocation(place.x() + part * place.width(), in ? 0 : group.height());
    }
    return port;
  }

  private static void label(ElkEdge elk, DrawnEdge edge) {
    if (!edge.label().isEmpty()) {
      ElkLabel label = ElkGraphUtil.createLabel(edge.label(), elk);
      label.setDimensions(
          Math.ceil(Lettering.width(edge.label(), Lettering.DETAIL)) + 2,
          Math.ceil(Lettering.DETAIL * Lettering.LINE_HEIGHT));
      label.setProperty(CoreOptions.EDGE_LABELS_PLACEMENT, EdgeLabelPlacement.CENTER);
    }
  }

  private void read(ElkNode root, Map<ElkEdge, DrawnEdge> edges) {
    width = root.getWidth();
    height = root.getHeight();
    for (Group group : groups.values()) {
      ElkNode at = elkNodes.get(group.node().id());
      group.places().forEach((id, place) -> places.put(id, place.shifted(at.getX(), at.getY())));
    }
    edges.forEach((elk, edge) -> lines.add(line(elk, edge)));
    for (DrawnEdge edge : drawing.edges()) {
      if (!groups.containsKey(edge.from())) {
        lines.add(
            new Line(edge, straight(places.get(edge.from()), places.get(edge.to())), false, null));
      }
    }
  }

  private Line line(ElkEdge elk, DrawnEdge edge) {
    List<double[]> points = new ArrayList<>();
    ElkEdgeSection section = elk.getSections().get(0);
    points.add(new double[] {section.getStartX(), section.getStartY()});
    for (ElkBendPoint bend : section.getBendPoints()) {
      points.add(new double[] {bend.getX(), bend.getY()});
    }
    points.add(new double[] {section.getEndX(), section.getEndY()});
    points.set(0, meet(edge.from(), points.get(0)));
    points.set(points.size() - 1, meet(edge.to(), points.get(points.size() - 1)));
    Place label =
        elk.getLabels().stream()
            .findFirst()
            .map(text -> new Place(text.getX(), text.getY(), text.getWidth(), text.getHeight()))
            .orElse(null);
    return new Line(edge, points, drawing.view() == View.DETAILED, label);
  }

  private double[] meet(String id, double[] end) {
    return Outline.meet(groups.get(id).node(), places.get(id), end, right);
  }

  /** Returns the straight line from a parameter to the operation beside it. */
  private List<double[]> straight(Place from, Place to) {
    if (right) {
      boolean below = from.y() > to.y();
      return List.of(
          new double[] {from.centerX(), below ? from.y() : from.bottom()},
          new double[] {to.centerX(), below ? to.bottom() : to.y()});
    }
    boolean behind = from.x() > to.x();
    return List.of(
        new double[] {behind ? from.x() : from.right(), from.centerY()},
        new double[] {behind ? to.right() : to.x(), to.centerY()});
  }
}
