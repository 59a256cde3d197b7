package org.chainrule.draw;

/**
 * The powers of ten that the colours of an {@link Overlay} stand for, from dark to light. Drawings
 * that are shown side by side share one, or the same colour means another number in each:
 *
 * <pre>{@code
 * ColourScale scale = drawing.scale(before, overlay).and(drawing.scale(after, overlay));
 * Drawing left = drawing.with(before, overlay, scale);
 * Drawing right = drawing.with(after, overlay, scale);
 * }</pre>
 *
 * @param least the exponent of the darkest colour, 10^least
 * @param most the exponent of the lightest colour, larger than {@code least}
 */
public record ColourScale(int least, int most) {
  /**
   * Checks the order.
   *
   * @param least the exponent of the darkest colour
   * @param most the exponent of the lightest colour
   * @throws IllegalArgumentException if {@code most} is not larger
   */
  public ColourScale {
    Drawing.require(
        least < most,
        "a colour scale needs a larger exponent after a smaller one, but got "
            + least
            + ", "
            + most);
  }

  /**
   * The smallest scale that contains two.
   *
   * @param other of another drawing
   * @return a scale for both
   */
  public ColourScale and(ColourScale other) {
    Drawing.require(other != null, "the other colour scale must not be null");
    return new ColourScale(Math.min(least, other.least), Math.max(most, other.most));
  }
}
