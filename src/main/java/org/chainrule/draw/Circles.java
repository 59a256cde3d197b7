package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.Node;
import org.chainrule.draw.Detailed.Number;

/** The elementary operations of a detailed drawing, one circle each. */
final class Circles {
  private record Operation(String id, String sign, List<Number> inputs, Node part) {}

  private final List<Operation> operations = new ArrayList<>();
  private final Map<String, Node> leaves = new LinkedHashMap<>();
  private final Map<String, Number> renamed = new HashMap<>();
  private final List<Number> results = new ArrayList<>();
  private final Map<String, Node> resultNodes = new HashMap<>();
  private Node current;

  /** What is drawn from here on is a part of this node. */
  void begin(Node node) {
    current = node;
  }

  /** A place where a variable comes in from outside. */
  String leaf(Node node) {
    String id = "v" + leaves.size();
    leaves.put(id, node);
    return id;
  }

  /** How many numbers one sample of a node has. */
  int size(Node node) {
    // an operation has at most one circle for each of these, and each leaf goes to one or more
    Drawing.require(
        node.features() <= 50L * Drawing.MOST_ELEMENTARY,
        tooMany(
            "node '"
                + Text.clean(node.name())
                + "' alone has "
                + Text.count(node.features())
                + " numbers"));
    return (int) node.features();
  }

  Number[] room(Node node) {
    return new Number[size(node)];
  }

  Number of(String sign, Number... inputs) {
    Drawing.require(
        operations.size() < Drawing.MOST_ELEMENTARY,
        tooMany("this graph has more up to node '" + Text.clean(current.name()) + "'"));
    String id = "o" + operations.size();
    operations.add(new Operation(id, sign, List.of(inputs), current));
    return new Number(id, "", Role.OPERATION);
  }

  private static String tooMany(String why) {
    return "DETAILED draws at most "
        + Drawing.MOST_ELEMENTARY
        + " elementary operations, but "
        + why
        + "; draw CONCISE or NETWORK, or a smaller graph of the same structure";
  }

  Number[] each(String sign, Number[] numbers) {
    Number[] results = new Number[numbers.length];
    for (int i = 0; i < results.length; ++i) {
      results[i] = of(sign, numbers[i]);
    }
    return results;
  }

  Number[] pairs(String sign, Number[] a, Number[] b) {
    Number[] results = new Number[a.length];
    for (int i = 0; i < results.length; ++i) {
      results[i] = of(sign, a[i], b[i]);
    }
    return results;
  }

  /** One number is its own sum. */
  Number sum(Number[] numbers) {
    return numbers.length == 1 ? numbers[0] : of(numbers.length == 2 ? "+" : "Σ", numbers);
  }

  Number mean(Number[] numbers) {
    return share(sum(numbers), numbers.length);
  }

  Number share(Number sum, int count) {
    return count == 1 ? sum : of("÷ " + count, sum);
  }

  /** Gives a result its name; what only passes through keeps its own. */
  Number rename(Number number, String name, Role role) {
    if (!number.name().isEmpty() || renamed.containsKey(number.from())) {
      return number;
    }
    Number named = new Number(number.from(), name, role);
    renamed.put(number.from(), named);
    return named;
  }

  /** A number that goes out of the graph. */
  void result(Number number, Node node) {
    results.add(number);
    resultNodes.put(number.from(), node);
  }

  Sketch sketch() {
    Sketch sketch = new Sketch();
    Map<String, String> ids = new HashMap<>();
    nameTheRest();
    for (Operation operation : operations) {
      for (Number input : operation.inputs()) {
        Node leaf = leaves.get(input.from());
        if (leaf != null && !ids.containsKey(input.from())) {
          ids.put(input.from(), mark(sketch, input, leaf));
        }
      }
      ids.put(
          operation.id(),
          sketch.node(
              isLast(operation) ? Role.LOSS : Role.OPERATION,
              Form.CIRCLE,
              List.of(operation.sign()),
              List.of(operation.part())));
      for (Number input : operation.inputs()) {
        edge(sketch, ids, input, operation.id());
      }
    }
    for (Number result : results) {
      if (ids.containsKey(result.from())) {
        String out = "out" + result.from();
        Node node = resultNodes.get(result.from());
        ids.put(out, sketch.node(result.role(), Form.ROUND_MARK, List.of(), List.of(node)));
        edge(sketch, ids, result, out);
      }
    }
    return sketch;
  }

  private boolean isLast(Operation operation) {
    return results.stream()
        .anyMatch(number -> number.from().equals(operation.id()) && number.role() == Role.LOSS);
  }

  private static String mark(Sketch sketch, Number input, Node leaf) {
    Form form = input.role() == Role.DATA ? Form.SQUARE_MARK : Form.ROUND_MARK;
    return sketch.node(input.role(), form, List.of(), List.of(leaf));
  }

  /** What no node of the graph stands for is called t₁, t₂, … in the order it is computed. */
  private void nameTheRest() {
    int count = 0;
    for (Operation operation : operations) {
      if (!renamed.containsKey(operation.id())) {
        String name = "t" + Text.subscript(++count);
        renamed.put(operation.id(), new Number(operation.id(), name, Role.OPERATION));
      }
    }
  }

  private void edge(Sketch sketch, Map<String, String> ids, Number input, String to) {
    Number known = renamed.getOrDefault(input.from(), input);
    sketch.edge(ids.get(input.from()), ids.get(to), known.name(), known.role());
  }
}
