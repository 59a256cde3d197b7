package org.chainrule.draw;

/** Where arrows lead. */
public enum Direction {
  /** From left to right. */
  RIGHT,
  /** From top to bottom. */
  DOWN
}
