package org.chainrule.draw;

/** The outline of a drawn node. */
public enum Form {
  /** A small square for a number of the data. */
  SQUARE_MARK,
  /** A small disc for a number of a parameter or a constant, or for a result. */
  ROUND_MARK,
  /** A circle around a short sign. */
  CIRCLE,
  /** A rectangle. */
  BOX,
  /** A rectangle with round corners. */
  ROUNDED,
  /** A hexagon. */
  HEXAGON;

  /** {@return true if the node is a mark without text; its arrows show the variable's name} */
  public boolean isMark() {
    return this == SQUARE_MARK || this == ROUND_MARK;
  }
}
