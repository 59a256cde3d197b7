package org.chainrule.draw;

import org.chainrule.NodeStatistics;

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

  /** The number that decides a node's colour; NaN where it has none. */
  double size(NodeStatistics node) {
    return switch (this) {
      case VALUES -> node.standardDeviation();
      case DELTAS -> node.deltaNorm();
      case GRADIENTS -> node.gradientNorm();
    };
  }

  /** The line that is written on the node. */
  String line(double size, NodeStatistics node) {
    String number = Text.scientific(size);
    return switch (this) {
      case VALUES -> "mean " + Text.scientific(node.mean()) + ", sd " + number;
      case DELTAS -> "‖δ‖ " + number;
      case GRADIENTS -> "‖∂θ‖ " + number;
    };
  }
}
