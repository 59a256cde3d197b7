package org.chainrule.visual;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import org.chainrule.draw.Drawing;
import org.chainrule.visual.drawings.Svg;
import org.chainrule.visual.drawings.Xml;

/**
 * A self-contained HTML page with drawings and curves. It loads no external resources and runs no
 * scripts. It is light or dark as the reader's system requests.
 */
public final class HtmlPage {
  private static final String HEAD =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <meta http-equiv="Content-Security-Policy"
       content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
      <link rel="icon" href="data:,">
      <title>%1$s</title>
      <style>
      :root { color-scheme: light dark; --page: #ffffff; --text: #1b1e22; --line: #d6dade }
      @media (prefers-color-scheme: dark) {
        :root { --page: #0d1117; --text: #e3e6ea; --line: #30363d }
      }
      body { background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
             max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
      figure { margin: 1rem 0 2rem; padding: 1rem; border: 1px solid var(--line);
               border-radius: 8px; overflow-x: auto }
      figcaption { margin-bottom: .75rem }
      svg, img { display: block; margin: auto; max-width: 100%%; height: auto }
      pre { overflow-x: auto }
      </style>
      </head>
      <body>
      <h1>%1$s</h1>
      """;

  private final StringBuilder out;

  /**
   * Creates an empty page.
   *
   * @param title the heading
   */
  public HtmlPage(String title) {
    out = new StringBuilder(String.format(HEAD, Xml.escape(notNull(title, "title"))));
  }

  /**
   * Adds a paragraph.
   *
   * @param text plain text
   * @return this page
   */
  public HtmlPage text(String text) {
    out.append("<p>").append(Xml.escape(notNull(text, "text"))).append("</p>\n");
    return this;
  }

  /**
   * Adds preformatted lines, such as a trainer's plan.
   *
   * @param lines plain text
   * @return this page
   */
  public HtmlPage listing(String lines) {
    out.append("<pre>").append(Xml.escape(notNull(lines, "lines"))).append("</pre>\n");
    return this;
  }

  /**
   * Adds a drawing.
   *
   * @param caption plain text
   * @param drawing the drawing of a graph
   * @return this page
   */
  public HtmlPage drawing(String caption, Drawing drawing) {
    return figure(caption, Svg.of(notNull(drawing, "drawing")));
  }

  /**
   * Adds charts of training curves.
   *
   * @param caption plain text
   * @param curves curves with at least one row
   * @return this page
   */
  public HtmlPage curves(String caption, TrainingCurves curves) {
    byte[] svg = notNull(curves, "curves").svg().getBytes(StandardCharsets.UTF_8);
    // embedded as an image, so that ids inside the SVG cannot clash with others on the page
    String image = Base64.getEncoder().encodeToString(svg);
    return figure(
        caption,
        "<img alt=\""
            + Xml.escape(caption)
            + "\" src=\"data:image/svg+xml;base64,"
            + image
            + "\">\n");
  }

  private HtmlPage figure(String caption, String content) {
    out.append("<figure>\n<figcaption>")
        .append(Xml.escape(notNull(caption, "caption")))
        .append("</figcaption>\n")
        .append(content)
        .append("</figure>\n");
    return this;
  }

  /**
   * Writes the page.
   *
   * @param file the file, which is replaced if it exists
   */
  public void write(Path file) {
    WholeFile.write(notNull(file, "file"), toString());
  }

  /** {@return the page as text} */
  @Override
  public String toString() {
    return out + "</body>\n</html>\n";
  }

  private static <T> T notNull(T value, String what) {
    if (value == null) {
      throw new IllegalArgumentException("HTML page: the " + what + " must not be null");
    }
    return value;
  }
}
