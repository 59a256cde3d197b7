package org.chainrule.draw;

/** The level of detail of a drawing. */
public enum View {
  /**
   * Numbers: every elementary operation is a circle, and each arrow shows its variable. The drawing
   * shows one sample and at most {@value Drawing#MOST_ELEMENTARY} operations.
   */
  DETAILED,
  /**
   * Vectors and matrices: each node of the graph is drawn. A parameter is drawn beside the
   * operation that it affects. A shared parameter has several arrows.
   */
  CONCISE,
  /** Layers: a linear operation and its activation form one block. */
  NETWORK
}
