package org.chainrule.draw;

/**
 * What a drawn node represents. The colours of fill, outline and text match and are legible on
 * light and dark pages. {@link #onPage()} is for text and lines directly on the page.
 */
public enum Role {
  /** An input, a target or a label. */
  DATA("#dbe9fb", "#2f6fc4", "#0c2a52", "#3f7fd0"),
  /** A parameter, which training changes. */
  PARAMETER("#fbe6c4", "#b8690f", "#4a2a02", "#b06a14"),
  /** A constant, which never changes. */
  CONSTANT("#e6e8eb", "#6e757d", "#23272c", "#727a84"),
  /** One operation. */
  OPERATION("#f5f5f2", "#6b7078", "#1b1e22", "#727a84"),
  /** A linear operation with its activation. */
  LAYER("#dcf2e3", "#2a8a50", "#0b3a1e", "#2a8a50"),
  /** A loss, which training minimizes. */
  LOSS("#fadfe2", "#bf3346", "#56101b", "#d04f61");

  private final Paint paint;
  private final String onPage;

  Role(String fill, String stroke, String text, String onPage) {
    paint = new Paint(fill, stroke, text);
    this.onPage = onPage;
  }

  /** {@return the colours of a node of this role} */
  public Paint paint() {
    return paint;
  }

  /** {@return the colour of text and lines directly on the page, as #rrggbb} */
  public String onPage() {
    return onPage;
  }
}
