package org.chainrule.draw;

/** How closely a drawing looks at a graph. */
public enum View {
  /**
   * Every elementary operation on numbers is a circle, each variable stands on its arrow. One
   * sample is drawn, and at most {@value Drawing#MOST_ELEMENTARY} operations.
   */
  DETAILED,
  /**
   * Vectors and matrices: one operation a node of the graph. A parameter stands beside the one
   * operation that it affects; a shared one has several arrows.
   */
  CONCISE,
  /** Layers: a linear operation and its activation are one block. */
  NETWORK
}
