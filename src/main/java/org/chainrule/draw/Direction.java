package org.chainrule.draw;

/** The direction of a drawing's arrows. */
public enum Direction {
  /** From left to right. */
  RIGHT,
  /** From top to bottom. */
  DOWN
}
