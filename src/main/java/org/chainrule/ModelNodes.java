package org.chainrule;

import java.util.List;

/**
 * The nodes that a graph had when a model was created from it. Nodes that were added later do not
 * belong to the model.
 */
final class ModelNodes {
  private final Graph graph;
  private final List<Node> all;

  ModelNodes(Graph graph) {
    this.graph = graph;
    all = graph.nodes();
  }

  Graph graph() {
    return graph;
  }

  /** Returns all nodes in order. The index of a node is its number. */
  List<Node> all() {
    return all;
  }

  /** Returns the data nodes in order. The index of a node is its slot in {@link Inputs}. */
  List<Node> data() {
    return all.stream().filter(node -> node.op().isData()).toList();
  }

  /** Returns the parameters in order. */
  List<Node> parameters() {
    return all.stream().filter(node -> node.op() == Op.PARAMETER).toList();
  }

  /**
   * Returns the number of a node. Throws IllegalArgumentException if the node does not belong to
   * the model.
   */
  int id(String operation, Node node) {
    Check.notNull(node, operation, "node");
    Check.that(
        node.graph() == graph,
        operation,
        "expected a node of the model's graph, but got one of another graph: ",
        node);
    if (node.id() >= all.size()) {
      throw new IllegalArgumentException(
          operation
              + ": expected a node of the model, but got "
              + node
              + ", which was added after the model was created; add all nodes before Model.create");
    }
    return node.id();
  }

  /**
   * Returns the number of a parameter. Throws IllegalArgumentException if the node is not a
   * parameter of the model.
   */
  int parameter(String operation, Node node) {
    int id = id(operation, node);
    Check.that(node.op() == Op.PARAMETER, operation, "expected a parameter, but got ", node);
    return id;
  }
}
