package org.chainrule.visual.drawings;

/** Escapes text for XML and HTML. */
public final class Xml {
  private Xml() {}

  /**
   * Escapes the characters that have a meaning in markup.
   *
   * @param text plain text
   * @return the escaped text, for an element or a quoted attribute
   */
  public static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
