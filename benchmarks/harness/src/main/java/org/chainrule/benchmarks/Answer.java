package org.chainrule.benchmarks;

import java.util.Locale;

/**
 * The result of a process: one line of JSON on its standard output. The line starts with a prefix,
 * because libraries print text too.
 */
public final class Answer {
  /** The prefix of the line. */
  public static final String MARK = "chainrule-benchmark ";

  private final StringBuilder json = new StringBuilder();

  /** Adds a text. */
  Answer put(String key, String value) {
    return raw(key, quote(value));
  }

  /** Adds a number, or null if it is not finite. */
  Answer put(String key, double value) {
    return raw(key, number(value));
  }

  /** Adds numbers. */
  Answer put(String key, double[] values) {
    StringBuilder list = new StringBuilder("[");
    for (double value : values) {
      list.append(list.length() == 1 ? "" : ",").append(number(value));
    }
    return raw(key, list.append(']').toString());
  }

  private Answer raw(String key, String value) {
    json.append(json.length() == 0 ? "" : ",").append(quote(key)).append(':').append(value);
    return this;
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.9g", value) : "null";
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else {
        quoted.append(c < ' ' ? ' ' : c);
      }
    }
    return quoted.append('"').toString();
  }

  /** {@return the whole line} */
  @Override
  public String toString() {
    return MARK + "{" + json + "}";
  }
}
