package org.chainrule.draw;

import org.chainrule.NodeStatistics;
import org.chainrule.Op;

/** What {@link Drawing#with} shows of a model and a batch, coloured by size. */
public enum Overlay {
  /** How much the values of each node vary: their standard deviation, with their mean. */
  VALUES("standard deviation of values"),
  /** ‖δ‖, the norm of the derivative of the loss by the values of each node. */
  DELTAS("‖δ‖ = ‖∂L/∂(node)‖"),
  /** ‖∂L/∂θ‖, the norm of the gradient of each parameter; in a layer, of all of its own. */
  GRADIENTS("‖∂L/∂θ‖");

  private final String title;

  Overlay(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  /** Has a node such a number? Class indices are names, and one number does not vary. */
  boolean isOf(NodeStatistics node) {
    return switch (this) {
      case VALUES -> node.count() > 1 && node.node().op() != Op.LABEL;
      case DELTAS -> !Double.isNaN(node.deltaNorm());
      case GRADIENTS -> node.node().op() == Op.PARAMETER;
    };
  }

  /** The number that decides a node's colour. */
  double size(NodeStatistics node) {
    return switch (this) {
      case VALUES -> node.standardDeviation();
      case DELTAS -> node.deltaNorm();
      case GRADIENTS -> node.gradientNorm();
    };
  }

  /** The line that is written on the node. */
  String line(double size, NodeStatistics node) {
    String number = Text.measure(size);
    return switch (this) {
      case VALUES -> "mean " + Text.measure(node.mean()) + ", sd " + number;
      case DELTAS -> "‖δ‖ " + number;
      case GRADIENTS -> "‖∂θ‖ " + number;
    };
  }
}
