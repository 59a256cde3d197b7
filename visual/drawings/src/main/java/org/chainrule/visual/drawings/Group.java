package org.chainrule.visual.drawings;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.chainrule.draw.Direction;
import org.chainrule.draw.DrawnNode;

/**
 * An operation with the parameters beside it, as one rectangle for the layout. They are arranged in
 * a line perpendicular to the arrows: the first parameter, the operation, the other parameters.
 */
final class Group {
  private static final double GAP = 22;

  private final DrawnNode node;
  private final List<DrawnNode> beside;
  private final Map<String, Place> places = new HashMap<>();
  private final double width;
  private final double height;

  Group(DrawnNode node, List<DrawnNode> beside, Direction direction) {
    this.node = node;
    this.beside = List.copyOf(beside);
    List<DrawnNode> row = new ArrayList<>(beside);
    row.add(Math.min(1, row.size()), node);
    boolean right = direction == Direction.RIGHT;
    double along = 0;
    double across = 0;
    for (DrawnNode part : row) {
      double[] size = Outline.size(part);
      along = Math.max(along, right ? size[0] : size[1]);
    }
    for (DrawnNode part : row) {
      double[] size = Outline.size(part);
      across += across == 0 ? 0 : GAP;
      double free = (along - (right ? size[0] : size[1])) / 2;
      places.put(
          part.id(),
          right
              ? new Place(free, across, size[0], size[1])
              : new Place(across, free, size[0], size[1]));
      across += right ? size[1] : size[0];
    }
    width = right ? along : across;
    height = right ? across : along;
  }

  DrawnNode node() {
    return node;
  }

  List<DrawnNode> beside() {
    return beside;
  }

  double width() {
    return width;
  }

  double height() {
    return height;
  }

  /** Returns the places of all parts by id, relative to the upper left corner of the rectangle. */
  Map<String, Place> places() {
    return places;
  }
}
