package org.chainrule.visual.drawings;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.chainrule.Graph;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.DrawnNode;
import org.chainrule.draw.Form;
import org.chainrule.draw.Legend;
import org.chainrule.draw.Paint;
import org.chainrule.draw.Role;
import org.chainrule.draw.View;

/**
 * Renders a drawing as an SVG document. It contains no scripts, no fonts and no external resources,
 * and is legible on light and dark pages. The same drawing always has the same text.
 */
public final class Svg {
  private static final double CORNER = 8;
  private static final double BEND = 6;
  private static final double STEP_WIDTH = 52;
  private static final double STEP_HEIGHT = 20;
  private static final double LEGEND_HEIGHT = 58;
  private static final String FONT = "'DejaVu Sans', Verdana, 'Segoe UI', Arial, sans-serif";

  private final Drawing drawing;
  private final Layout layout;
  private final StringBuilder out = new StringBuilder();

  private Svg(Drawing drawing) {
    this.drawing = drawing;
    this.layout = new Layout(drawing);
  }

  /**
   * Renders a drawing.
   *
   * @param drawing the drawing
   * @return an SVG document
   */
  public static String of(Drawing drawing) {
    if (drawing == null) {
      throw new IllegalArgumentException("SVG: the drawing must not be null");
    }
    return new Svg(drawing).write();
  }

  /**
   * Renders a whole graph, for example in a notebook.
   *
   * @param graph a graph with at least one node
   * @param view the level of detail
   * @return an SVG document
   */
  public static String of(Graph graph, View view) {
    return of(Drawing.of(graph, view));
  }

  private String write() {
    double legendWidth =
        drawing.legend().map(legend -> legend.steps().size() * STEP_WIDTH + 16).orElse(0.0);
    double width = Math.max(layout.width(), legendWidth);
    double height = layout.height() + (drawing.legend().isPresent() ? LEGEND_HEIGHT : 0);
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%s\" height=\"%s\""
            + " viewBox=\"0 0 %1$s %2$s\" font-family=\"%s\" text-anchor=\"middle\">\n",
        number(width), number(height), FONT);
    layout.lines().forEach(this::line);
    Map<String, Place> places = layout.places();
    drawing.nodes().forEach(node -> node(node, places.get(node.id())));
    drawing.legend().ifPresent(this::legend);
    return out.append("</svg>\n").toString();
  }

  private void node(DrawnNode node, Place place) {
    Paint paint = node.paint();
    String style =
        String.format(
            "fill=\"%s\" stroke=\"%s\" stroke-width=\"1.4\"", paint.fill(), paint.stroke());
    switch (node.form()) {
      case CIRCLE, ROUND_MARK ->
          add(
              "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" %s/>\n",
              number(place.centerX()), number(place.centerY()), number(place.width() / 2), style);
      case HEXAGON -> add("<polygon points=\"%s\" %s/>\n", hexagon(place), style);
      default ->
          add(
              "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"%s\" %s/>\n",
              number(place.x()),
              number(place.y()),
              number(place.width()),
              number(place.height()),
              number(node.form() == Form.ROUNDED ? CORNER : 0),
              style);
    }
    lines(node, place);
  }

  private static String hexagon(Place place) {
    double tip = Outline.tip(place.height());
    double[][] corners = {
      {place.x(), place.centerY()},
      {place.x() + tip, place.y()},
      {place.right() - tip, place.y()},
      {place.right(), place.centerY()},
      {place.right() - tip, place.bottom()},
      {place.x() + tip, place.bottom()}
    };
    StringBuilder points = new StringBuilder();
    for (double[] corner : corners) {
      points.append(points.isEmpty() ? "" : " ").append(point(corner));
    }
    return points.toString();
  }

  private void lines(DrawnNode node, Place place) {
    double y = place.centerY() - Lettering.height(node) / 2;
    for (int i = 0; i < node.lines().size(); ++i) {
      double size = Lettering.size(node, i);
      text(node.lines().get(i), place.centerX(), y + size, size, node.paint().text());
      y += size * Lettering.LINE_HEIGHT;
    }
  }

  private void text(String text, double x, double baseline, double size, String colour) {
    add(
        "<text x=\"%s\" y=\"%s\" font-size=\"%s\" fill=\"%s\">%s</text>\n",
        number(x), number(baseline), number(size), colour, Xml.escape(text));
  }

  private void line(Line line) {
    String colour = Role.OPERATION.onPage();
    List<double[]> points = line.points();
    StringBuilder path = new StringBuilder("M" + point(points.get(0)));
    double[] last = points.get(points.size() - 1);
    double[] before = points.get(points.size() - 2);
    double length = Math.hypot(last[0] - before[0], last[1] - before[1]);
    // the line ends inside the arrow's head, so that it does not stick out beside the tip
    double[] neck = between(last, before, Math.min(5, length / 2));
    if (line.curved() && points.size() % 3 == 1) {
      for (int i = 1; i < points.size(); ++i) {
        path.append(i % 3 == 1 ? " C" : " ")
            .append(point(i == points.size() - 1 ? neck : points.get(i)));
      }
    } else {
      for (int i = 1; i < points.size() - 1; ++i) {
        bend(path, points.get(i - 1), points.get(i), points.get(i + 1));
      }
      path.append(" L").append(point(neck));
    }
    add("<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.3\"/>\n", path, colour);
    head(last, before, colour);
    if (line.label() != null) {
      Place place = line.label();
      text(
          line.edge().label(),
          place.centerX(),
          place.y() + Lettering.DETAIL,
          Lettering.DETAIL,
          line.edge().role().onPage());
    }
  }

  private static void bend(StringBuilder path, double[] from, double[] at, double[] to) {
    double shorter =
        Math.min(
            Math.hypot(at[0] - from[0], at[1] - from[1]), Math.hypot(at[0] - to[0], at[1] - to[1]));
    double radius = Math.min(BEND, shorter / 2);
    path.append(" L").append(point(between(at, from, radius)));
    path.append(" Q").append(point(at)).append(' ').append(point(between(at, to, radius)));
  }

  /** Returns the point at a distance from {@code from} in the direction of {@code to}. */
  private static double[] between(double[] from, double[] to, double distance) {
    double length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    double part = length == 0 ? 0 : distance / length;
    return new double[] {from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part};
  }

  private void head(double[] tip, double[] before, String colour) {
    double length = Math.hypot(tip[0] - before[0], tip[1] - before[1]);
    double ux = length == 0 ? 1 : (tip[0] - before[0]) / length;
    double uy = length == 0 ? 0 : (tip[1] - before[1]) / length;
    double[] left = {tip[0] - 8 * ux - 3.6 * uy, tip[1] - 8 * uy + 3.6 * ux};
    double[] other = {tip[0] - 8 * ux + 3.6 * uy, tip[1] - 8 * uy - 3.6 * ux};
    add(
        "<polygon points=\"%s %s %s\" fill=\"%s\"/>\n",
        point(tip), point(left), point(other), colour);
  }

  private void legend(Legend legend) {
    double y = layout.height() + 16;
    add("<g text-anchor=\"start\">\n");
    text(legend.title(), 8, y, Lettering.DETAIL, Role.OPERATION.onPage());
    add("</g>\n");
    double x = 8;
    for (Legend.Step step : legend.steps()) {
      Place place = new Place(x, y + 8, STEP_WIDTH, STEP_HEIGHT);
      add(
          "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>\n",
          number(x),
          number(place.y()),
          number(STEP_WIDTH),
          number(STEP_HEIGHT),
          step.paint().fill());
      text(step.text(), place.centerX(), place.y() + 14, Lettering.DETAIL, step.paint().text());
      x += STEP_WIDTH;
    }
  }

  private void add(String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values));
  }

  private static String point(double[] point) {
    return number(point[0]) + "," + number(point[1]);
  }

  /** Returns a number with at most one decimal, which is a tenth of a pixel. */
  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.1f", value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }
}
