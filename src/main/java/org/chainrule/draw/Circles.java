package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.Node;
import org.chainrule.draw.Detailed.Number;

/** Collects the elementary operations of a detailed drawing. Each one becomes a circle. */
final class Circles {
  private record Operation(String id, String sign, List<Number> inputs, Node part) {}

  private final List<Operation> operations = new ArrayList<>();
  private final Map<String, Node> leaves = new LinkedHashMap<>();
  private final Map<String, Number> renamed = new HashMap<>();
  private final List<Number> results = new ArrayList<>();
  private final Map<String, Node> resultNodes = new HashMap<>();
  private Node current;

  /** Begins a node of the graph: operations that are added from now on are parts of it. */
  void begin(Node node) {
    current = node;
  }

  /** Adds a number of a leaf node, such as an input or a parameter, and returns its id. */
  String leaf(Node node) {
    String id = "v" + leaves.size();
    leaves.put(id, node);
    return id;
  }

  /**
   * Returns how many numbers one sample of a node has.
   *
   * @throws IllegalArgumentException if the node is too large to draw
   */
  int size(Node node) {
    // A generous limit before anything is allocated. The exact limit is checked per operation.
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

  Number[] allocate(Node node) {
    return new Number[size(node)];
  }

  /** Adds an operation and returns its result. */
  Number of(String sign, Number... inputs) {
    Drawing.require(
        operations.size() < Drawing.MOST_ELEMENTARY,
        tooMany("this graph exceeds the limit at node '" + Text.clean(current.name()) + "'"));
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

  /** Adds one operation per number. */
  Number[] each(String sign, Number[] numbers) {
    Number[] results = new Number[numbers.length];
    for (int i = 0; i < results.length; ++i) {
      results[i] = of(sign, numbers[i]);
    }
    return results;
  }

  /** Adds one operation per pair of numbers. */
  Number[] pairs(String sign, Number[] a, Number[] b) {
    Number[] results = new Number[a.length];
    for (int i = 0; i < results.length; ++i) {
      results[i] = of(sign, a[i], b[i]);
    }
    return results;
  }

  /** Adds a sum. A single number needs no operation. */
  Number sum(Number[] numbers) {
    return numbers.length == 1 ? numbers[0] : of(numbers.length == 2 ? "+" : "Σ", numbers);
  }

  Number mean(Number[] numbers) {
    return divide(sum(numbers), numbers.length);
  }

  /** Divides by a count. A count of 1 needs no operation. */
  Number divide(Number sum, int count) {
    return count == 1 ? sum : of("÷ " + count, sum);
  }

  /** Names the result of an operation. A number that already has a name keeps it. */
  Number rename(Number number, String name, Role role) {
    if (!number.name().isEmpty() || renamed.containsKey(number.from())) {
      return number;
    }
    Number named = new Number(number.from(), name, role);
    renamed.put(number.from(), named);
    return named;
  }

  /** Marks a number as a result of the graph: an arrow leads from it to a mark. */
  void result(Number number, Node node) {
    results.add(number);
    resultNodes.put(number.from(), node);
  }

  Sketch sketch() {
    Sketch sketch = new Sketch();
    Map<String, String> ids = new HashMap<>();
    nameIntermediates();
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

  /** Names the results that are not values of a node t₁, t₂, … in the order of computation. */
  private void nameIntermediates() {
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
