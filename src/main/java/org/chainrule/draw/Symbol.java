package org.chainrule.draw;

import java.util.Locale;

/**
 * The symbol of a variable: letters and, for a variable of a layer, the layer's number.
 *
 * @param letters the letters, such as W, or a name
 * @param number a number of at least 0, or {@link #NONE}
 */
record Symbol(String letters, long number) {
  /** The value of {@code number} for a symbol without a number. */
  static final long NONE = -1;

  Symbol(String letters) {
    this(letters, NONE);
  }

  /** Returns the symbol of the whole vector or matrix: W₂. */
  @Override
  public String toString() {
    return number == NONE ? letters : letters + Text.subscript(number);
  }

  /**
   * Returns the symbol of one number: w⁽²⁾₁₃. Indices begin with 1. A matrix with one row or one
   * column has one index.
   */
  String entry(long row, long rows, long column, long columns) {
    if (rows == 1 && columns == 1) {
      return toString();
    }
    boolean capital = letters.length() == 1 && Character.isUpperCase(letters.charAt(0));
    String name = capital ? letters.toLowerCase(Locale.ROOT) : letters;
    if (number != NONE) {
      name += Text.layer(number);
    }
    if (rows == 1 || columns == 1) {
      return name + Text.subscript(rows == 1 ? column : row);
    }
    String comma = rows < 10 && columns < 10 ? "" : ",";
    return name + Text.subscript(row) + comma + Text.subscript(column);
  }
}
