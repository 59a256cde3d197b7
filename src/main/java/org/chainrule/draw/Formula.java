package org.chainrule.draw;

import java.util.List;
import org.chainrule.Node;
import org.chainrule.Op;

/** Writes operations as formulas in the symbols of their inputs, or as signs. */
final class Formula {
  private final Notation notation;

  Formula(Notation notation) {
    this.notation = notation;
  }

  /** Returns the sign of an operation on numbers: σ, ReLU, ×. */
  static String sign(Node node) {
    return switch (node.op()) {
      case ADD -> "+";
      case SUBTRACT, NEGATE -> "−";
      case MULTIPLY -> "×";
      case SCALE -> "· " + Text.factor(node.constant());
      case SQUARE -> "( )²";
      case IDENTITY -> "id";
      case SIGMOID -> "σ";
      case RELU -> "ReLU";
      case LEAKY_RELU -> "leaky ReLU";
      case ELU -> "ELU";
      case GELU -> "GELU";
      case SILU -> "SiLU";
      case SUM -> "Σ";
      case LOG_SUM_EXP -> "log Σ exp";
      case SQUARED_NORM -> "‖ ‖²";
      case POLYNOMIAL_FEATURES -> "xᵢ, xᵢ², xᵢxⱼ";
      case BATCH_MEAN -> "batch mean";
      case HUBER -> "Huber";
      case CUSTOM -> Text.clean(node.operation());
      default -> node.op().nativeName().replace('_', ' ');
    };
  }

  /** Returns the formula of an operation on vectors and matrices, in one line or several. */
  List<String> lines(Node node) {
    return switch (node.op()) {
      case LINEAR, MATMUL -> List.of(linear(node));
      case SCALE -> List.of(Text.factor(node.constant()) + " · " + input(node, 0));
      case SQUARE -> List.of(input(node, 0) + "²");
      case SQUARED_NORM -> List.of("‖" + input(node, 0) + "‖²");
      case CONCAT -> List.of("concat");
      case SLICE -> List.of(input(node, 0) + "[" + (node.begin() + 1) + " … " + node.end() + "]");
      case SOFTMAX_CROSS_ENTROPY ->
          List.of("cross-entropy", likelihood(node, "softmax(" + input(node, 0) + ")"));
      case NEGATIVE_LOG_LIKELIHOOD ->
          List.of("negative log-likelihood", likelihood(node, input(node, 0)));
      case BINARY_CROSS_ENTROPY ->
          List.of(
              "binary cross-entropy",
              share(node, "Σ") + "log(1 + exp " + input(node, 0) + ") − " + product(node));
      case SQUARED_ERROR -> List.of(norm(node));
      case MEAN_SQUARED_ERROR -> List.of(share(node, "") + norm(node));
      case HUBER ->
          List.of(
              "Huber, δ = " + Text.number(node.constant()),
              share(node, "Σ") + "h(" + difference(node) + ")");
      default -> List.of(sign(node));
    };
  }

  /** Returns W₁x + b₁. */
  private String linear(Node node) {
    String weight = input(node, 1) + (node.isTransposed() ? "ᵀ" : "");
    String x = input(node, 0);
    boolean words = weight.codePointCount(0, weight.length()) > 3 || x.length() > 2;
    String product = weight + (words ? " · " : " ") + x;
    return node.inputs().size() < 3 ? product : product + " + " + input(node, 2);
  }

  private String likelihood(Node node, String probabilities) {
    Node label = node.inputs().get(1);
    return label.op() == Op.LABEL
        ? "−log " + probabilities + "[" + notation.symbol(label) + "]"
        : "−Σ " + notation.symbol(label) + " log " + probabilities;
  }

  private String norm(Node node) {
    return "‖" + difference(node) + "‖²";
  }

  private String difference(Node node) {
    return input(node, 0) + " − " + input(node, 1);
  }

  private String product(Node node) {
    return input(node, 1) + " " + input(node, 0);
  }

  /** Returns the factor ¹⁄ₙ of a mean over n outputs and a sign of a sum, or "" for one output. */
  private static String share(Node node, String sum) {
    long outputs = node.inputs().get(0).features();
    String mean = outputs == 1 ? "" : Text.fraction(outputs) + " ";
    return outputs == 1 || sum.isEmpty() ? mean : mean + sum + " ";
  }

  private String input(Node node, int index) {
    return notation.symbol(node.inputs().get(index)).toString();
  }

  /** Returns the shape: ℝ¹²⁸, ℝ¹²⁸ˣ⁶⁴, or the set of classes for a label. */
  static String shape(Node node) {
    if (node.op() == Op.LABEL) {
      return "{0 … " + (node.features() - 1) + "}";
    }
    if (node.features() == 1) {
      return "ℝ";
    }
    String rows = "ℝ" + Text.superscript(node.rows());
    return node.columns() == 1 ? rows : rows + "ˣ" + Text.superscript(node.columns());
  }

  /** Returns a count such as "8,192 parameters". */
  static String parameters(long count) {
    return Text.count(count) + (count == 1 ? " parameter" : " parameters");
  }

  /** Returns a parameter's size as lines: rows × columns for a matrix, and the count of numbers. */
  static List<String> parameter(Node node) {
    String count = parameters(node.features());
    return node.columns() == 1
        ? List.of(count)
        : List.of(node.rows() + " × " + node.columns(), count);
  }
}
