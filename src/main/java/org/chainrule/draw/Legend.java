package org.chainrule.draw;

import java.util.List;

/**
 * The meaning of the colours of an overlay.
 *
 * @param title the quantity that the colours show
 * @param steps the colours with their numbers, from the smallest number to the largest
 */
public record Legend(String title, List<Step> steps) {
  /**
   * A colour with its number.
   *
   * @param text the number
   * @param paint the colours
   */
  public record Step(String text, Paint paint) {}

  /**
   * Creates a legend with a copy of the list.
   *
   * @param title the quantity that the colours show
   * @param steps the colours with their numbers, from the smallest number to the largest
   */
  public Legend {
    steps = List.copyOf(steps);
  }
}
