package org.chainrule.draw;

/** The outline of a drawn node. */
public enum Form {
  /** A small square where a number of the data begins. */
  SQUARE_MARK,
  /** A small disc where a parameter or a constant begins. */
  ROUND_MARK,
  /** A circle around a short sign. */
  CIRCLE,
  /** A rectangle. */
  BOX,
  /** A rectangle with round corners. */
  ROUNDED,
  /** A hexagon. */
  HEXAGON;

  /** {@return whether the node is a mark without text, whose variable stands on its arrows} */
  public boolean isMark() {
    return this == SQUARE_MARK || this == ROUND_MARK;
  }
}
