package org.chainrule.visual.drawings;

/** Text in XML and HTML. */
public final class Xml {
  private Xml() {}

  /**
   * Replaces the characters that mean something in markup.
   *
   * @param text plain text
   * @return the same text, for an element or a quoted attribute
   */
  public static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
