package org.chainrule.draw;

import org.chainrule.NodeStatistics;
import org.chainrule.Op;

/** The quantity that {@link Drawing#with} shows for a model and a batch, coloured by size. */
public enum Overlay {
  /** The standard deviation of the values of each node, with their mean. */
  VALUES("standard deviation of values"),
  /** ‖δ‖, the norm of the derivative of the loss by the values of each node. */
  DELTAS("‖δ‖ = ‖∂L/∂(node)‖"),
  /**
   * ‖∂L/∂θ‖, the norm of the gradient of each parameter. For a layer, the norm of the gradients of
   * all parameters that only the layer uses.
   */
  GRADIENTS("‖∂L/∂θ‖");

  private final String title;

  Overlay(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  /**
   * Returns true if this overlay has a number for a node. Class indices are not quantities, and a
   * single value has no deviation.
   */
  boolean appliesTo(NodeStatistics node) {
    return switch (this) {
      case VALUES -> node.count() > 1 && node.node().op() != Op.LABEL;
      case DELTAS -> !Double.isNaN(node.deltaNorm());
      case GRADIENTS -> node.node().op() == Op.PARAMETER;
    };
  }

  /** Returns the number that determines a node's colour. */
  double size(NodeStatistics node) {
    return switch (this) {
      case VALUES -> node.standardDeviation();
      case DELTAS -> node.deltaNorm();
      case GRADIENTS -> node.gradientNorm();
    };
  }

  /** Returns the line that is added to the node. */
  String line(double size, NodeStatistics node) {
    String number = Text.measure(size);
    return switch (this) {
      case VALUES -> "mean " + Text.measure(node.mean()) + ", sd " + number;
      case DELTAS -> "‖δ‖ " + number;
      case GRADIENTS -> "‖∂θ‖ " + number;
    };
  }
}
