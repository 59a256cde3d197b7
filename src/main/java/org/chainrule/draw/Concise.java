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

/** {@link View#CONCISE}: a drawn node for each node of the graph. */
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
      // what stands beside one operation is drawn with it
      if (!node.inputs().isEmpty() || !standsBeside(notation, node)) {
        operation(node, drawn);
      }
    }
    return sketch;
  }

  /** Has a parameter or a constant one operation, which it is no more than a part of? */
  static boolean standsBeside(Notation notation, Node node) {
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
            .filter(input -> standsBeside(notation, input) && drawn.add(input))
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

  /** The formula, or a variable's symbol; its name where that says more; its shape. */
  private List<String> lines(Node node) {
    List<String> lines = new ArrayList<>();
    boolean leaf = node.inputs().isEmpty();
    if (!leaf) {
      lines.addAll(formula.lines(node));
    } else {
      lines.add(notation.symbol(node).toString());
    }
    // where the symbol is made from the name, it is not said twice
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
