package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.Node;
import org.chainrule.Op;

/**
 * Builds {@link View#DETAILED} drawings: one sample, number by number. This class defines the
 * elementary operations of each operation. Elementwise operations without a definition here are
 * drawn as one function per number, and all others as functions of all numbers of their inputs.
 */
final class Detailed {
  private final List<Node> nodes;
  private final Notation notation;
  private final Circles circles = new Circles();
  private final Map<Node, Number[]> values = new HashMap<>();

  /**
   * One scalar variable.
   *
   * @param from the id of the leaf or operation that produces the variable
   * @param name the name of the variable; empty if it has none yet
   * @param role the role of the variable
   */
  record Number(String from, String name, Role role) {}

  Detailed(List<Node> nodes) {
    this.nodes = nodes;
    this.notation = new Notation(nodes);
  }

  Sketch sketch() {
    for (Node node : nodes) {
      values.put(node, node.inputs().isEmpty() ? leaf(node) : operation(node));
    }
    for (Node node : nodes) {
      if (notation.consumers(node).isEmpty()) {
        for (Number number : values.get(node)) {
          circles.result(number, node);
        }
      }
    }
    return circles.sketch();
  }

  /** Returns the numbers of a leaf. A number is drawn only if an operation uses it. */
  private Number[] leaf(Node node) {
    boolean oneNumber = node.op() == Op.LABEL;
    int count = oneNumber ? 1 : circles.size(node);
    Number[] numbers = new Number[count];
    for (int i = 0; i < count; ++i) {
      String name = oneNumber ? notation.symbol(node).toString() : entry(node, i);
      if (node.op() == Op.CONSTANT && node.features() == 1) {
        name = notation.symbol(node).toString();
      }
      numbers[i] = new Number(circles.leaf(node), name, Concise.role(notation, node));
    }
    return numbers;
  }

  private String entry(Node node, int index) {
    long columns = node.columns();
    return notation
        .symbol(node)
        .entry(index / columns + 1, node.rows(), index % columns + 1, columns);
  }

  private Number[] operation(Node node) {
    circles.begin(node);
    Number[] x = values.get(node.inputs().get(0));
    Number[] y = node.inputs().size() > 1 ? values.get(node.inputs().get(1)) : null;
    Number[] out = circles.allocate(node);
    switch (node.op()) {
      case LINEAR, MATMUL -> product(node, out);
      case CONCAT -> concat(node, out);
      case SLICE -> slice(node, x, out);
      case ADD, SUBTRACT, MULTIPLY -> {
        for (int i = 0; i < out.length; ++i) {
          out[i] = circles.of(Formula.sign(node), x[i % x.length], y[i % y.length]);
        }
      }
      case SOFTMAX -> {
        Number[] powers = circles.each("exp", x);
        Number sum = circles.sum(powers);
        for (int i = 0; i < out.length; ++i) {
          out[i] = circles.of("÷", powers[i], sum);
        }
      }
      case SUM -> out[0] = circles.sum(x);
      case MEAN -> out[0] = circles.mean(x);
      case SQUARED_NORM -> out[0] = circles.of("‖ ‖²", x);
      case LOG_SUM_EXP -> out[0] = circles.of("log", circles.sum(circles.each("exp", x)));
      case POLYNOMIAL_FEATURES -> monomials(x, out);
      case SQUARED_ERROR -> out[0] = circles.of("‖ ‖²", circles.pairs("−", x, y));
      case MEAN_SQUARED_ERROR ->
          out[0] = circles.divide(circles.of("‖ ‖²", circles.pairs("−", x, y)), x.length);
      case HUBER -> out[0] = circles.mean(circles.each("Huber", circles.pairs("−", x, y)));
      case BINARY_CROSS_ENTROPY ->
          out[0] =
              circles.mean(
                  circles.pairs("−", circles.each("softplus", x), circles.pairs("×", y, x)));
      case SOFTMAX_CROSS_ENTROPY -> out[0] = crossEntropy(node, x, y);
      case NEGATIVE_LOG_LIKELIHOOD -> out[0] = likelihood(node, x, y);
      default -> anyFunction(node, out);
    }
    if (node.op() != Op.CONCAT && node.op() != Op.SLICE) {
      for (int i = 0; i < out.length; ++i) {
        out[i] = circles.rename(out[i], entry(node, i), Concise.role(notation, node));
      }
    }
    return out;
  }

  /** Adds W x or W x + b. Each output is a sum of products. */
  private void product(Node node, Number[] out) {
    Node x = node.inputs().get(0);
    Node weight = node.inputs().get(1);
    Number[] inputs = values.get(x);
    Number[] weights = values.get(weight);
    int across = (int) weight.columns();
    int terms = (int) x.rows();
    int columns = (int) x.columns();
    for (int i = 0; i < out.length; ++i) {
      int row = i / columns;
      Number[] products = new Number[terms];
      for (int k = 0; k < terms; ++k) {
        int at = node.isTransposed() ? k * across + row : row * across + k;
        products[k] = circles.of("×", inputs[k * columns + i % columns], weights[at]);
      }
      out[i] = circles.sum(products);
      if (node.inputs().size() == 3) {
        out[i] = circles.of("+", out[i], values.get(node.inputs().get(2))[row]);
      }
    }
  }

  private void concat(Node node, Number[] out) {
    int at = 0;
    for (Node part : node.inputs()) {
      Number[] numbers = values.get(part);
      System.arraycopy(numbers, 0, out, at, numbers.length);
      at += numbers.length;
    }
  }

  /** Copies a slice. A matrix is sliced by rows, which are stored one after another. */
  private static void slice(Node node, Number[] x, Number[] out) {
    long columns = node.inputs().get(0).columns();
    System.arraycopy(x, (int) (node.begin() * columns), out, 0, out.length);
  }

  private void monomials(Number[] x, Number[] out) {
    int at = x.length;
    System.arraycopy(x, 0, out, 0, at);
    for (Number number : x) {
      out[at++] = circles.of("( )²", number);
    }
    for (int i = 0; i < x.length; ++i) {
      for (int j = i + 1; j < x.length; ++j) {
        out[at++] = circles.of("×", x[i], x[j]);
      }
    }
  }

  /** Adds log Σ exp z − z[label], or Σ target (log Σ exp z − z). */
  private Number crossEntropy(Node node, Number[] logits, Number[] y) {
    Number total = circles.of("log", circles.sum(circles.each("exp", logits)));
    if (node.inputs().get(1).op() == Op.LABEL) {
      return circles.of("−", total, chosen(logits, y[0]));
    }
    Number[] losses = new Number[logits.length];
    for (int i = 0; i < losses.length; ++i) {
      losses[i] = circles.of("×", y[i], circles.of("−", total, logits[i]));
    }
    return circles.sum(losses);
  }

  /** Adds −log p[label], or −Σ target log p. */
  private Number likelihood(Node node, Number[] p, Number[] y) {
    Number sum =
        node.inputs().get(1).op() == Op.LABEL
            ? circles.of("log", chosen(p, y[0]))
            : circles.sum(circles.pairs("×", y, circles.each("log", p)));
    return circles.of("−", sum);
  }

  /** Adds the selection of the number at the index that the label contains. */
  private Number chosen(Number[] numbers, Number label) {
    Number[] all = new Number[numbers.length + 1];
    System.arraycopy(numbers, 0, all, 0, numbers.length);
    all[numbers.length] = label;
    return circles.of("[ ]", all);
  }

  private void anyFunction(Node node, Number[] out) {
    List<Number> all = new ArrayList<>();
    node.inputs().forEach(input -> all.addAll(List.of(values.get(input))));
    boolean each = node.op().kind() == Op.Kind.UNARY || node.op() == Op.CUSTOM;
    for (int i = 0; i < out.length; ++i) {
      Number[] inputs = each ? new Number[] {all.get(i)} : all.toArray(new Number[0]);
      out[i] = circles.of(Formula.sign(node), inputs);
    }
  }
}
