package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.chainrule.Node;
import org.chainrule.Op;

/** Builds {@link View#CONCISE} drawings, with one drawn node per node of the graph. */
final class Concise {
  private final List<Node> nodes;
  private final Notation notation;
  private final Formula formula;
  private final Sketch sketch = new Sketch();
  private final Map<Node, String> ids = new HashMap<>();

  Concise(List<Node> nodes) {
    this.nodes = nodes;
    this.notation = new Notation(nodes);
    this.formula = new Formula(notation);
  }

  Sketch sketch() {
    Set<Node> drawn = new HashSet<>();
    for (Node node : nodes) {
      // a node that is drawn beside an operation is added with the operation
      if (!node.inputs().isEmpty() || !isDrawnBeside(notation, node)) {
        operation(node, drawn);
      }
    }
    return sketch;
  }

  /**
   * Returns true if a node is drawn beside the operation that uses it: a parameter or a constant
   * with exactly one consumer, which also has inputs of another kind.
   */
  static boolean isDrawnBeside(Notation notation, Node node) {
    boolean fixed = node.op() == Op.PARAMETER || node.op() == Op.CONSTANT;
    if (!fixed || notation.consumers(node).size() != 1) {
      return false;
    }
    Node consumer = notation.consumers(node).get(0);
    return consumer.inputs().stream().anyMatch(input -> input.op() != node.op());
  }

  private void operation(Node node, Set<Node> drawn) {
    List<Node> beside =
        node.inputs().stream()
            .filter(input -> isDrawnBeside(notation, input) && drawn.add(input))
            .toList();
    String id = sketch.nextId(beside.size());
    for (Node part : beside) {
      ids.put(part, draw(part, id));
    }
    ids.put(node, draw(node, null));
    for (Node input : new LinkedHashSet<>(node.inputs())) {
      boolean isVariable = !input.inputs().isEmpty();
      String label = isVariable ? notation.symbol(input).toString() : "";
      sketch.edge(ids.get(input), id, label, role(notation, input));
    }
  }

  private String draw(Node node, String beside) {
    Role role = role(notation, node);
    return sketch.node(role, form(node, role), lines(node), List.of(node), beside);
  }

  static Role role(Notation notation, Node node) {
    if (Notation.isData(node)) {
      return Role.DATA;
    }
    return switch (node.op()) {
      case PARAMETER -> Role.PARAMETER;
      case CONSTANT -> Role.CONSTANT;
      default -> Notation.isLoss(node) || notation.isResult(node) ? Role.LOSS : Role.OPERATION;
    };
  }

  private Form form(Node node, Role role) {
    return switch (role) {
      case DATA, CONSTANT -> Form.BOX;
      case PARAMETER -> Form.HEXAGON;
      default -> Formula.sign(node).length() == 1 && !hasName(node) ? Form.CIRCLE : Form.ROUNDED;
    };
  }

  /**
   * Returns a node's lines: the formula or, for a leaf, the symbol; the name, if it adds
   * information; the shape.
   */
  private List<String> lines(Node node) {
    List<String> lines = new ArrayList<>();
    boolean leaf = node.inputs().isEmpty();
    if (!leaf) {
      lines.addAll(formula.lines(node));
    } else {
      lines.add(notation.symbol(node).toString());
    }
    // do not repeat a name from which the symbol was derived
    if (hasName(node) && !Notation.named(node.name()).toString().equals(lines.get(0))) {
      lines.add(Text.clean(node.name()));
    }
    if (node.op() == Op.PARAMETER) {
      lines.addAll(Formula.parameter(node));
    } else if (!(node.op() == Op.CONSTANT && node.features() == 1)) {
      lines.add(Formula.shape(node));
    }
    return lines;
  }

  private static boolean hasName(Node node) {
    return Notation.isNamed(node)
        && !(node.op() == Op.PARAMETER && node.name().matches("[a-z_]+_[0-9]+\\.(weight|bias)"));
  }
}
