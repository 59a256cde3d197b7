package org.chainrule.visual.drawings;

import org.chainrule.draw.DrawnNode;

/** Computes how large a node is and where an arrow touches its outline. */
final class Outline {
  static final double MARK = 9;
  private static final double SMALLEST_CIRCLE = 36;
  private static final double MARGIN_X = 11;
  private static final double MARGIN_Y = 7;

  private Outline() {}

  /** Returns the width and height that a node needs for its text and form. */
  static double[] size(DrawnNode node) {
    double width = Lettering.width(node);
    double height = Lettering.height(node);
    return switch (node.form()) {
      case SQUARE_MARK, ROUND_MARK -> new double[] {MARK, MARK};
      case CIRCLE -> {
        double diameter = Math.max(SMALLEST_CIRCLE, Math.ceil(Math.hypot(width, height) + 8));
        yield new double[] {diameter, diameter};
      }
      case HEXAGON -> {
        double tall = Math.ceil(height + 2 * MARGIN_Y);
        yield new double[] {Math.ceil(width + MARGIN_X + tip(tall) * 2), tall};
      }
      case BOX, ROUNDED ->
          new double[] {Math.ceil(width + 2 * MARGIN_X), Math.ceil(height + 2 * MARGIN_Y)};
    };
  }

  /** Returns the width of the tip of a hexagon of the given height. */
  static double tip(double height) {
    return Math.min(14, height / 4);
  }

  /**
   * Extends a line that ends at the frame of a node to the node's outline. The last part of the
   * line is parallel to an axis.
   *
   * @param alongX true if the last part is horizontal
   * @return the new end of the line
   */
  static double[] meet(DrawnNode node, Place place, double[] end, boolean alongX) {
    double dx = end[0] - place.centerX();
    double dy = end[1] - place.centerY();
    double across = alongX ? dy : dx;
    double half =
        switch (node.form()) {
          case CIRCLE, ROUND_MARK -> {
            double radius = place.width() / 2;
            yield Math.sqrt(Math.max(0, radius * radius - across * across));
          }
          case HEXAGON ->
              alongX
                  ? place.width() / 2
                      - tip(place.height()) * Math.abs(across) / (place.height() / 2)
                  : place.height() / 2;
          default -> alongX ? place.width() / 2 : place.height() / 2;
        };
    return alongX
        ? new double[] {place.centerX() + Math.copySign(half, dx), end[1]}
        : new double[] {end[0], place.centerY() + Math.copySign(half, dy)};
  }
}
