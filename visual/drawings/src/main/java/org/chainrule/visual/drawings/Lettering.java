package org.chainrule.visual.drawings;

import org.chainrule.draw.DrawnNode;
import org.chainrule.draw.Form;

/**
 * Estimates the width of text. The estimate does not depend on installed fonts, so that the same
 * drawing gives the same file everywhere. It uses the widths of a wide typeface, so that text of
 * other fonts also fits.
 */
final class Lettering {
  /** Font size of the first line of a node. In a circle it is the only line. */
  static final double TITLE = 14;

  /** Font size of other lines and of the variables on arrows. */
  static final double DETAIL = 12;

  static final double LINE_HEIGHT = 1.3;

  private static final int LONGEST_SIGN = 4;
  private static final int THOUSAND = 1000;
  private static final int FIRST = ' ';

  /** Widths of the printable ASCII characters in DejaVu Sans, in thousandths of the font size. */
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

  /** Returns the width of a node's widest line. */
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

  /**
   * Returns the font size of a line. The first line is a title, except for a word in a circle,
   * because the circle would become too large.
   */
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
    // Latin and Greek letters, the sign ‖, and all other characters, which may be wide
    return point < 0x400 ? 660 : point == 0x2016 ? 500 : 1050;
  }
}
