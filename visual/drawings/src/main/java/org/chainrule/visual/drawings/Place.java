package org.chainrule.visual.drawings;

/** A rectangle on the page, in pixels from the page's upper left corner. */
record Place(double x, double y, double width, double height) {
  double centerX() {
    return x + width / 2;
  }

  double centerY() {
    return y + height / 2;
  }

  double right() {
    return x + width;
  }

  double bottom() {
    return y + height;
  }

  Place shifted(double dx, double dy) {
    return new Place(x + dx, y + dy, width, height);
  }
}
