package org.chainrule.draw;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.chainrule.Node;
import org.chainrule.Op;

/**
 * Assigns symbols to the variables of a graph. Nodes that the user named keep their names. W, b, z
 * and a with the layer's number denote weight, bias, preactivation and activation. p denotes
 * probabilities, L the loss, and u all other variables.
 */
final class Notation {
  /** A name with a number. Numbers have no leading zeros, so that x01 and x1 stay different. */
  private static final Pattern NUMBERED = Pattern.compile("(\\p{L}+)_?(0|[1-9][0-9]{0,3})");

  private final List<Node> nodes;
  private final Map<Node, Symbol> symbols = new HashMap<>();
  private final Map<Node, List<Node>> consumers = new HashMap<>();

  Notation(List<Node> nodes) {
    this.nodes = nodes;
    for (Node node : nodes) {
      for (Node input : new HashSet<>(node.inputs())) {
        consumers.computeIfAbsent(input, key -> new ArrayList<>()).add(node);
      }
    }
    nodes.stream().filter(Notation::isNamed).forEach(node -> put(node, named(node.name())));
    layers();
    number("p", nodes.stream().filter(node -> node.op() == Op.SOFTMAX).toList());
    losses();
    number("u", nodes.stream().filter(node -> node.op() != Op.CONSTANT).toList());
    nodes.forEach(node -> put(node, new Symbol(constant(node))));
  }

  Symbol symbol(Node node) {
    return symbols.get(node);
  }

  List<Node> consumers(Node node) {
    return consumers.getOrDefault(node, List.of());
  }

  /**
   * Returns true if the user named the node. A default name consists of the operation's name and
   * the node's number.
   */
  static boolean isNamed(Node node) {
    return !node.name().matches(Pattern.quote(node.op().nativeName()) + "_[0-9]+");
  }

  static boolean isLoss(Node node) {
    return node.op().kind() == Op.Kind.LOSS;
  }

  static boolean isData(Node node) {
    return node.op().isData();
  }

  /** Returns true if the node is a linear operation, which begins a layer. */
  static boolean isLinear(Node node) {
    return node.op().kind() == Op.Kind.PRODUCT && node.isBatched();
  }

  /** Returns true if the node is an activation, which belongs to the layer of its input. */
  static boolean isActivation(Node node) {
    return node.op().isActivation();
  }

  /** Returns true if no node uses this node and it is one number for the whole batch. */
  boolean isResult(Node node) {
    return consumers(node).isEmpty() && !node.isBatched() && node.features() == 1;
  }

  private void layers() {
    List<Node> linear = nodes.stream().filter(Notation::isLinear).toList();
    for (int i = 0; i < linear.size(); ++i) {
      Node z = linear.get(i);
      long number = linear.size() == 1 ? Symbol.NONE : i + 1L;
      own(z, 1, ".weight", new Symbol("W", number));
      own(z, 2, ".bias", new Symbol("b", number));
      put(z, new Symbol("z", number));
      for (Node next : consumers(z)) {
        if (isActivation(next)) {
          put(next, new Symbol("a", number));
          break;
        }
      }
    }
  }

  /** Assigns a layer's own parameter its symbol, if the parameter has its default name. */
  private void own(Node z, int input, String suffix, Symbol symbol) {
    if (input < z.inputs().size()
        && z.inputs().get(input).op() == Op.PARAMETER
        && z.inputs().get(input).name().equals(z.name() + suffix)) {
      symbols.put(z.inputs().get(input), symbol);
    }
  }

  private void losses() {
    List<Node> results = nodes.stream().filter(this::isResult).toList();
    number("L", results.size() == 1 ? results : List.of());
    List<Node> parts = nodes.stream().filter(Notation::isLoss).toList();
    for (int i = 0; i < parts.size(); ++i) {
      put(parts.get(i), new Symbol("L", i + 1L));
    }
  }

  /** Assigns letters to nodes without a symbol, and numbers if there are several such nodes. */
  private void number(String letters, Collection<Node> candidates) {
    List<Node> open = candidates.stream().filter(node -> !symbols.containsKey(node)).toList();
    for (int i = 0; i < open.size(); ++i) {
      put(open.get(i), new Symbol(letters, open.size() == 1 ? Symbol.NONE : i + 1L));
    }
  }

  private void put(Node node, Symbol symbol) {
    symbols.putIfAbsent(node, symbol);
  }

  private static String constant(Node node) {
    return node.features() == 1 ? Text.number(node.constant()) : Text.clean(node.name());
  }

  /** Returns the symbol for a name: θ₁ for theta1, and most names unchanged. */
  static Symbol named(String name) {
    String clean = Text.clean(name);
    Matcher numbered = NUMBERED.matcher(clean);
    if (numbered.matches()) {
      String letters = Text.greek(numbered.group(1));
      if (letters.codePointCount(0, letters.length()) == 1) {
        return new Symbol(letters, Long.parseLong(numbered.group(2)));
      }
    }
    return new Symbol(Text.greek(clean));
  }
}
