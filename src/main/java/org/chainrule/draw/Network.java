package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.chainrule.Node;
import org.chainrule.Op;

/**
 * Builds {@link View#NETWORK} drawings. A linear operation, its parameters and its activation form
 * one block.
 */
final class Network {
  private final List<Node> nodes;
  private final Notation notation;
  private final Formula formula;
  private final Sketch sketch = new Sketch();
  private final Map<Node, String> ids = new HashMap<>();
  private final Map<Node, List<Node>> blocks = new HashMap<>();

  Network(List<Node> nodes) {
    this.nodes = nodes;
    this.notation = new Notation(nodes);
    this.formula = new Formula(notation);
  }

  Sketch sketch() {
    for (Node node : nodes) {
      if (Notation.isLinear(node)) {
        grow(node);
      }
    }
    for (Node node : nodes) {
      List<Node> block = blocks.get(node);
      if (block == null) {
        single(node);
      } else if (block.get(block.size() - 1) == node) {
        layer(block);
      }
    }
    return sketch;
  }

  /**
   * Collects the block of a linear operation: the operation and the activations or softmax after
   * it, as long as each result has only one consumer.
   */
  private void grow(Node linear) {
    List<Node> block = new ArrayList<>();
    Node last = linear;
    while (true) {
      block.add(last);
      blocks.put(last, block);
      List<Node> next = notation.consumers(last);
      boolean continues =
          next.size() == 1
              && (Notation.isActivation(next.get(0)) || next.get(0).op() == Op.SOFTMAX);
      if (!continues) {
        return;
      }
      last = next.get(0);
    }
  }

  private void layer(List<Node> block) {
    Node linear = block.get(0);
    Node last = block.get(block.size() - 1);
    List<Node> parts = new ArrayList<>(ownParameters(linear));
    long count = parts.stream().mapToLong(Node::features).sum();
    parts.addAll(block);
    StringBuilder title = new StringBuilder("linear");
    block.stream().skip(1).forEach(node -> title.append(" + ").append(Formula.sign(node)));
    List<String> lines = new ArrayList<>(List.of(title.toString()));
    block.stream()
        .filter(Notation::isNamed)
        .findFirst()
        .ifPresent(node -> lines.add(Text.clean(node.name())));
    lines.add(linear.inputs().get(0).features() + " → " + last.features());
    if (count > 0) {
      lines.add(Formula.parameters(count));
    }
    String id = sketch.node(Role.LAYER, Form.ROUNDED, lines, parts);
    block.forEach(node -> ids.put(node, id));
    connect(linear, id, parts);
  }

  /** Returns the parameters that only this layer uses. */
  private List<Node> ownParameters(Node linear) {
    return linear.inputs().stream()
        .filter(input -> input.op() == Op.PARAMETER && isOwn(input))
        .toList();
  }

  private boolean isOwn(Node parameter) {
    List<Node> users = notation.consumers(parameter);
    return users.size() == 1 && Notation.isLinear(users.get(0));
  }

  private void single(Node node) {
    if (node.op() == Op.PARAMETER && isOwn(node)) {
      return;
    }
    Role role = Concise.role(notation, node);
    Form form =
        switch (role) {
          case DATA, CONSTANT -> Form.BOX;
          case PARAMETER -> Form.HEXAGON;
          default -> Formula.sign(node).length() == 1 ? Form.CIRCLE : Form.ROUNDED;
        };
    String id = sketch.node(role, form, lines(node), List.of(node));
    ids.put(node, id);
    connect(node, id, List.of());
  }

  private void connect(Node node, String id, List<Node> inside) {
    for (Node input : new LinkedHashSet<>(node.inputs())) {
      String from = ids.get(input);
      if (from != null && !inside.contains(input)) {
        sketch.edge(from, id, "", Concise.role(notation, input)); // the blocks show the sizes
      }
    }
  }

  private List<String> lines(Node node) {
    List<String> lines = new ArrayList<>();
    if (node.inputs().isEmpty()) {
      lines.add(notation.symbol(node).toString());
      switch (node.op()) {
        case LABEL -> lines.add(node.features() + " classes");
        case PARAMETER -> lines.addAll(Formula.parameter(node));
        default -> lines.add(node.features() + (node.features() == 1 ? " number" : " numbers"));
      }
      return lines;
    }
    lines.add(name(node));
    if (Notation.isNamed(node)) {
      lines.add(Text.clean(node.name()));
    }
    return lines;
  }

  /** Returns the operation's formula, or its name for losses that are better known by name. */
  private String name(Node node) {
    return switch (node.op()) {
      case SQUARED_ERROR, MEAN_SQUARED_ERROR -> Formula.sign(node);
      default -> formula.lines(node).get(0);
    };
  }
}
