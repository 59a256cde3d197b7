package org.chainrule.draw;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;

/** Colours a drawing by the size of a quantity, on a logarithmic scale. */
final class Tint {
  /** The smallest range of a scale, in powers of ten. On less, noise looks significant. */
  private static final int LEAST_DECADES = 3;

  private static final int MOST_STEPS = 7;

  /** The colours between which the scale interpolates, from small to large. */
  private static final int[][] CORNERS = {
    {0x3b, 0x10, 0x53},
    {0x38, 0x58, 0x8c},
    {0x21, 0x90, 0x8c},
    {0x5d, 0xc8, 0x63},
    {0xfd, 0xe7, 0x25}
  };

  /** On a colour with less luminance than this, white text has more contrast than dark text. */
  private static final double MIDDLE = 0.19;

  private static final Paint NONE = new Paint("none", "#6e757d", Role.CONSTANT.onPage());

  /** The colours of a node whose number is not finite. */
  private static final Paint BROKEN = new Paint("#c22036", "#c22036", "#ffffff");

  private final Overlay overlay;
  private final Map<String, NodeStatistics> statistics = new HashMap<>();

  Tint(List<NodeStatistics> statistics, Overlay overlay) {
    this.overlay = overlay;
    statistics.forEach(entry -> this.statistics.put(entry.node().name(), entry));
  }

  Drawing apply(Drawing drawing, ColourScale scale) {
    sizes(drawing);
    return new Drawing(
        drawing.view(),
        drawing.direction(),
        drawing.nodes().stream().map(node -> paint(node, scale)).toList(),
        drawing.edges(),
        Optional.of(legend(scale)));
  }

  /** Returns the scale that fits the numbers of a drawing. */
  ColourScale scale(Drawing drawing) {
    double[] sizes = Arrays.stream(sizes(drawing)).filter(Tint::isOnScale).toArray();
    int most = (int) Math.ceil(Math.log10(Arrays.stream(sizes).max().orElse(1)));
    int least = (int) Math.floor(Math.log10(Arrays.stream(sizes).min().orElse(1)));
    return new ColourScale(Math.min(least, most - LEAST_DECADES), most);
  }

  /**
   * Returns the numbers of all nodes that have one.
   *
   * @throws IllegalArgumentException if no node has a number
   */
  private double[] sizes(Drawing drawing) {
    double[] all =
        drawing.nodes().stream()
            .filter(node -> !shown(node).isEmpty())
            .mapToDouble(this::size)
            .toArray();
    Drawing.require(all.length > 0, "the statistics contain nothing about " + overlay.title());
    return all;
  }

  private static boolean isOnScale(double size) {
    return size > 0 && Double.isFinite(size);
  }

  /**
   * Returns the statistics that are shown on a drawn node: the statistics of its value or, for
   * gradients, the statistics of all parameters that the drawn node represents.
   */
  private List<NodeStatistics> shown(DrawnNode drawn) {
    List<Node> nodes = drawn.nodes();
    List<Node> relevant =
        overlay == Overlay.GRADIENTS ? nodes : nodes.subList(nodes.size() - 1, nodes.size());
    return relevant.stream()
        .map(node -> statistics.get(node.name()))
        .filter(Objects::nonNull)
        .filter(overlay::appliesTo)
        .toList();
  }

  private double size(DrawnNode drawn) {
    List<NodeStatistics> entries = shown(drawn);
    return entries.size() == 1
        ? overlay.size(entries.get(0))
        : Math.sqrt(entries.stream().mapToDouble(overlay::size).map(norm -> norm * norm).sum());
  }

  private DrawnNode paint(DrawnNode node, ColourScale scale) {
    List<NodeStatistics> entries = shown(node);
    List<String> lines = new ArrayList<>(node.lines());
    Paint paint = NONE;
    if (!entries.isEmpty()) {
      double size = size(node);
      lines.add(overlay.line(size, entries.get(0)));
      paint = Double.isFinite(size) ? paint(size, scale) : BROKEN;
    }
    return new DrawnNode(
        node.id(), node.role(), node.form(), lines, node.nodes(), node.beside(), paint);
  }

  /** Returns the colours for a number. 0 has the colour of the smallest number. */
  private static Paint paint(double size, ColourScale scale) {
    double part = (Math.log10(size) - scale.least()) / (scale.most() - scale.least());
    double place = Math.max(0, Math.min(1, part)) * (CORNERS.length - 1);
    int corner = Math.min((int) place, CORNERS.length - 2);
    int[] rgb = new int[3];
    for (int i = 0; i < rgb.length; ++i) {
      double low = CORNERS[corner][i];
      rgb[i] = (int) Math.round(low + (CORNERS[corner + 1][i] - low) * (place - corner));
    }
    String fill = String.format("#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    return new Paint(fill, NONE.stroke(), luminance(rgb) < MIDDLE ? "#ffffff" : "#101418");
  }

  /** Returns the relative luminance as WCAG 2 defines it. */
  private static double luminance(int[] rgb) {
    double[] light = new double[rgb.length];
    for (int i = 0; i < rgb.length; ++i) {
      double c = rgb[i] / 255.0;
      light[i] = c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    }
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
  }

  private Legend legend(ColourScale scale) {
    int least = scale.least();
    int most = scale.most();
    int stride = (most - least + MOST_STEPS - 2) / (MOST_STEPS - 1);
    List<Legend.Step> steps = new ArrayList<>();
    for (int power = most; power >= least; power -= stride) {
      Paint paint = paint(Math.pow(10, power), scale);
      steps.add(0, new Legend.Step("10" + Text.superscript(power), paint));
    }
    return new Legend(overlay.title(), steps);
  }
}
