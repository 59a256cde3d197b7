package org.chainrule.draw;

/**
 * The range of powers of ten that the colours of an {@link Overlay} represent, from dark to light.
 * Drawings that are shown side by side should share one scale. Otherwise the same colour represents
 * different numbers:
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
   * Creates a scale.
   *
   * @param least the exponent of the darkest colour
   * @param most the exponent of the lightest colour
   * @throws IllegalArgumentException if {@code most} is not larger than {@code least}
   */
  public ColourScale {
    Drawing.require(
        least < most,
        "expected a colour scale whose second exponent is larger than the first, but got "
            + least
            + ", "
            + most);
  }

  /**
   * Returns the smallest scale that contains this scale and another one.
   *
   * @param other the scale of another drawing
   * @return a scale for both drawings
   */
  public ColourScale and(ColourScale other) {
    Drawing.require(other != null, "the other colour scale must not be null");
    return new ColourScale(Math.min(least, other.least), Math.max(most, other.most));
  }
}
