package org.chainrule;

import java.util.List;

/**
 * The nodes that a graph had when a model was made of it; younger ones do not belong to the model.
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

  /** All nodes in order: a node's number is its place. */
  List<Node> all() {
    return all;
  }

  /** The data nodes in order: the slots of native inputs. */
  List<Node> data() {
    return all.stream().filter(node -> node.op().isData()).toList();
  }

  /** The parameters in order. */
  List<Node> parameters() {
    return all.stream().filter(node -> node.op() == Op.PARAMETER).toList();
  }

  /** The number of a node of the model. */
  int id(String operation, Node node) {
    Check.notNull(node, operation, "node");
    Check.that(node.graph() == graph, operation, "a node of another graph came: ", node);
    if (node.id() >= all.size()) {
      throw new IllegalArgumentException(
          operation
              + ": got "
              + node
              + ", which was made after the model and does not belong to it; make all nodes before"
              + " Model.create");
    }
    return node.id();
  }

  /** The number of a parameter of the model. */
  int parameter(String operation, Node node) {
    int id = id(operation, node);
    Check.that(node.op() == Op.PARAMETER, operation, "expected a parameter, but got ", node);
    return id;
  }
}
