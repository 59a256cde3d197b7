package org.chainrule.benchmarks.runner;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Formats numbers for tables. */
final class Format {
  private static final int DIGITS = 3;
  private static final double PERCENT = 100;

  private Format() {}

  /**
   * Returns a number with at least three significant digits, such as 0.00213, 1.45, 159 or 1234.
   * Returns an empty text for a number that is not finite.
   */
  static String number(double value) {
    if (!Double.isFinite(value)) {
      return "";
    }
    double rounded = new BigDecimal(value).round(new MathContext(DIGITS)).doubleValue();
    int before = rounded == 0 ? DIGITS : 1 + (int) Math.floor(Math.log10(Math.abs(rounded)));
    return String.format(Locale.ROOT, "%." + Math.max(0, DIGITS - before) + "f", value);
  }

  /** Returns a percentage, such as 4 %. */
  static String percent(double share) {
    return Double.isFinite(share) ? String.format(Locale.ROOT, "%.0f %%", PERCENT * share) : "";
  }
}
