package org.chainrule.visual.drawings;

import org.chainrule.draw.DrawnNode;
import org.chainrule.draw.Form;

/**
 * How wide text becomes. The same everywhere, so that the same drawing gives the same file, and on
 * the safe side: the widths are those of a wide typeface.
 */
final class Lettering {
  /** First line of a node; in a circle it stands alone. */
  static final double TITLE = 14;

  /** Other lines, and the variables on arrows. */
  static final double DETAIL = 12;

  static final double LINE_HEIGHT = 1.3;

  private static final int LONGEST_SIGN = 4;
  private static final int THOUSAND = 1000;
  private static final int FIRST = ' ';

  /** Advances of the printable ASCII characters in DejaVu Sans, in thousandths of the size. */
  private static final int[] ASCII = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632,
    575, 775, 752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685,
    611, 685, 390, 337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579,
    278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838
  };

  private Lettering() {}

  static double width(String text, double size) {
    return text.codePoints().map(Lettering::advance).sum() * size / THOUSAND;
  }

  /** What all lines of a node need. */
  static double width(DrawnNode node) {
    double width = 0;
    for (int i = 0; i < node.lines().size(); ++i) {
      width = Math.max(width, width(node.lines().get(i), size(node, i)));
    }
    return width;
  }

  static double height(DrawnNode node) {
    double height = 0;
    for (int i = 0; i < node.lines().size(); ++i) {
      height += size(node, i) * LINE_HEIGHT;
    }
    return height;
  }

  /** The first line is a title, unless it is a word in a circle, which would be large. */
  static double size(DrawnNode node, int line) {
    boolean word = node.form() == Form.CIRCLE && node.lines().get(0).length() > LONGEST_SIGN;
    return line == 0 && !word ? TITLE : DETAIL;
  }

  private static int advance(int point) {
    if (point >= FIRST && point < FIRST + ASCII.length) {
      return ASCII[point - FIRST];
    }
    boolean raised = (point >= 0x2070 && point <= 0x208E) || "¹²³ˣᵀᵢⱼ".indexOf(point) >= 0;
    if (raised) {
      return 444;
    }
    if (Character.getType(point) == Character.NON_SPACING_MARK) {
      return 0;
    }
    // Latin and Greek letters; mathematical signs, arrows and everything else may be wider
    return point < 0x400 ? 660 : point == 0x2016 ? 500 : 1050;
  }
}
