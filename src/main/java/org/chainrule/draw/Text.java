package org.chainrule.draw;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Map;

/** Writes mathematical text in Unicode. */
final class Text {
  private static final int LONGEST_NAME = 28;
  private static final int LARGEST_DENOMINATOR = 1000;
  private static final int REPLACEMENT = 0xFFFD;
  private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  private static final Map<String, String> GREEK =
      Map.ofEntries(
          Map.entry("alpha", "α"),
          Map.entry("beta", "β"),
          Map.entry("gamma", "γ"),
          Map.entry("delta", "δ"),
          Map.entry("epsilon", "ε"),
          Map.entry("eta", "η"),
          Map.entry("theta", "θ"),
          Map.entry("kappa", "κ"),
          Map.entry("lambda", "λ"),
          Map.entry("mu", "μ"),
          Map.entry("nu", "ν"),
          Map.entry("xi", "ξ"),
          Map.entry("rho", "ρ"),
          Map.entry("sigma", "σ"),
          Map.entry("tau", "τ"),
          Map.entry("phi", "φ"),
          Map.entry("psi", "ψ"),
          Map.entry("omega", "ω"),
          Map.entry("Theta", "Θ"),
          Map.entry("Lambda", "Λ"),
          Map.entry("Sigma", "Σ"),
          Map.entry("Phi", "Φ"),
          Map.entry("Psi", "Ψ"),
          Map.entry("Omega", "Ω"));

  private Text() {}

  /** Returns ₁₂ for 12. */
  static String subscript(long number) {
    StringBuilder text = new StringBuilder(number < 0 ? "₋" : "");
    for (char digit : Long.toString(Math.abs(number)).toCharArray()) {
      text.append((char) ('₀' + digit - '0'));
    }
    return text.toString();
  }

  /** Returns ¹² for 12. */
  static String superscript(long number) {
    StringBuilder text = new StringBuilder(number < 0 ? "⁻" : "");
    for (char digit : Long.toString(Math.abs(number)).toCharArray()) {
      text.append(SUPERSCRIPTS.charAt(digit - '0'));
    }
    return text.toString();
  }

  /** Returns ⁽¹²⁾ for 12. This is a layer's number where ¹² would look like a power. */
  static String layer(long number) {
    return "⁽" + superscript(number) + "⁾";
  }

  /** Returns θ for theta. Returns other words unchanged. */
  static String greek(String word) {
    return GREEK.getOrDefault(word, word);
  }

  /** Returns a number with at most four decimals: 0.0625, 12, 1.5·10⁻⁴. */
  static String number(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e6) {
      return sign(Long.toString((long) value));
    }
    double size = Math.abs(value);
    if (size >= 1e-3 && size < 1e6) {
      String text = String.format(Locale.ROOT, "%.4f", value);
      return sign(text.replaceAll("0+$", "").replaceAll("\\.$", ""));
    }
    return scientific(value);
  }

  /** Returns a factor as a number, or as ¹⁄₁₆ if it is one over a whole number. */
  static String factor(double value) {
    long whole = Math.round(1 / value);
    boolean isFraction = whole >= 2 && whole <= LARGEST_DENOMINATOR && 1.0 / whole == value;
    return isFraction ? fraction(whole) : number(value);
  }

  /** Returns ¹⁄₁₆ for 16. */
  static String fraction(long denominator) {
    return superscript(1) + "⁄" + subscript(denominator);
  }

  /** Returns a number with two significant digits and a power of ten: 3.2·10⁻⁵. */
  static String scientific(double value) {
    if (value == 0 || !Double.isFinite(value)) {
      return value == 0 ? "0" : sign(Double.toString(value).replace("Infinity", "∞"));
    }
    String[] parts = String.format(Locale.ROOT, "%.1e", value).split("e");
    return sign(parts[0].replace(".0", "")) + "·10" + superscript(Integer.parseInt(parts[1]));
  }

  /**
   * Returns a number with two significant digits: 0.022, 15. Numbers outside of 0.01 … 1000 get a
   * power of ten.
   */
  static String measure(double value) {
    double size = Math.abs(value);
    if (size < 0.00995 || size >= 999.5 || Double.isNaN(size)) {
      return scientific(value);
    }
    return sign(
        new BigDecimal(value).round(new MathContext(2)).stripTrailingZeros().toPlainString());
  }

  private static String sign(String number) {
    return number.replace('-', '−');
  }

  /** Returns a count with separators: 8,320. */
  static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  /**
   * Returns a name that any renderer can show. It has one line, no control characters and no
   * unpaired surrogates, and long names are shortened in the middle.
   */
  static String clean(String name) {
    int[] points =
        name.codePoints()
            .map(
                point ->
                    switch (Character.getType(point)) {
                      case Character.SURROGATE, Character.UNASSIGNED, Character.FORMAT ->
                          REPLACEMENT;
                      case Character.CONTROL -> point < 0x20 ? 0x2400 + point : REPLACEMENT;
                      case Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> ' ';
                      default -> point;
                    })
            .toArray();
    if (points.length <= LONGEST_NAME) {
      return new String(points, 0, points.length);
    }
    int half = LONGEST_NAME / 2;
    return new String(points, 0, half)
        + "…"
        + new String(points, points.length - half + 1, half - 1);
  }
}
