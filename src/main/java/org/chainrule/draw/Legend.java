package org.chainrule.draw;

import java.util.List;

/**
 * What the colours of an overlay mean.
 *
 * @param title what they show
 * @param steps from the smallest to the largest
 */
public record Legend(String title, List<Step> steps) {
  /**
   * A colour and its number.
   *
   * @param text the number
   * @param paint the colours
   */
  public record Step(String text, Paint paint) {}

  /**
   * Copies the list.
   *
   * @param title what they show
   * @param steps from the smallest to the largest
   */
  public Legend {
    steps = List.copyOf(steps);
  }
}
