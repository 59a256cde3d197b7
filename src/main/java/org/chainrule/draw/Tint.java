package org.chainrule.draw;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;

/** Colours a drawing by the size of a quantity, on a logarithmic scale. */
final class Tint {
  /** Fewer powers of ten than this would show noise as if it were a difference. */
  private static final int LEAST_DECADES = 3;

  private static final int MOST_STEPS = 7;

  /** Corners of the scale from small to large: dark violet, blue, green, yellow. */
  private static final int[][] CORNERS = {
    {0x3b, 0x10, 0x53},
    {0x38, 0x58, 0x8c},
    {0x21, 0x90, 0x8c},
    {0x5d, 0xc8, 0x63},
    {0xfd, 0xe7, 0x25}
  };

  private static final Paint NONE = new Paint("none", "#6e757d", Role.CONSTANT.onPage());

  private final Overlay overlay;
  private final Map<String, NodeStatistics> statistics = new HashMap<>();
  private int least;
  private int most;

  Tint(List<NodeStatistics> statistics, Overlay overlay) {
    this.overlay = overlay;
    statistics.forEach(entry -> this.statistics.put(entry.node().name(), entry));
  }

  Drawing apply(Drawing drawing) {
    range(drawing);
    return new Drawing(
        drawing.view(),
        drawing.direction(),
        drawing.nodes().stream().map(this::paint).toList(),
        drawing.edges(),
        Optional.of(legend()));
  }

  /** The powers of ten that the numbers lie between. */
  private void range(Drawing drawing) {
    double[] sizes =
        drawing.nodes().stream().mapToDouble(this::size).filter(Tint::isColoured).toArray();
    Drawing.require(
        sizes.length > 0, "these statistics have no number above 0 for " + overlay.title());
    double smallest = Double.POSITIVE_INFINITY;
    double largest = 0;
    for (double size : sizes) {
      smallest = Math.min(smallest, size);
      largest = Math.max(largest, size);
    }
    least = (int) Math.floor(Math.log10(smallest));
    most = (int) Math.ceil(Math.log10(largest));
    least = Math.min(least, most - LEAST_DECADES);
  }

  private static boolean isColoured(double size) {
    return size > 0 && Double.isFinite(size);
  }

  /** Of the node's value; a gradient is that of all its parameters together. */
  private double size(DrawnNode drawn) {
    if (overlay != Overlay.GRADIENTS) {
      NodeStatistics last = last(drawn);
      return last == null ? Double.NaN : overlay.size(last);
    }
    double squares = 0;
    boolean any = false;
    for (Node node : drawn.nodes()) {
      NodeStatistics entry = statistics.get(node.name());
      double norm = entry == null ? Double.NaN : overlay.size(entry);
      if (!Double.isNaN(norm)) {
        squares += norm * norm;
        any = true;
      }
    }
    return any ? Math.sqrt(squares) : Double.NaN;
  }

  private NodeStatistics last(DrawnNode drawn) {
    return statistics.get(drawn.nodes().get(drawn.nodes().size() - 1).name());
  }

  private DrawnNode paint(DrawnNode node) {
    double size = size(node);
    List<String> lines = new ArrayList<>(node.lines());
    Paint paint = NONE;
    if (!Double.isNaN(size)) {
      lines.add(overlay.line(size, last(node)));
      paint = isColoured(size) ? paint(size) : paint(Math.pow(10, least));
    }
    return new DrawnNode(
        node.id(), node.role(), node.form(), lines, node.nodes(), node.beside(), paint);
  }

  private Paint paint(double size) {
    double part = (Math.log10(size) - least) / (most - least);
    double place = Math.max(0, Math.min(1, part)) * (CORNERS.length - 1);
    int corner = Math.min((int) place, CORNERS.length - 2);
    int[] rgb = new int[3];
    for (int i = 0; i < rgb.length; ++i) {
      double low = CORNERS[corner][i];
      rgb[i] = (int) Math.round(low + (CORNERS[corner + 1][i] - low) * (place - corner));
    }
    String fill = String.format("#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
    // white on what is darker than middle grey, by the weights of ITU-R BT.601
    boolean dark = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] < 125;
    return new Paint(fill, "#6e757d", dark ? "#ffffff" : "#101418");
  }

  private Legend legend() {
    int stride = (most - least + MOST_STEPS - 2) / (MOST_STEPS - 1);
    List<Legend.Step> steps = new ArrayList<>();
    for (int power = least; power <= most; power += stride) {
      steps.add(new Legend.Step("10" + Text.superscript(power), paint(Math.pow(10, power))));
    }
    return new Legend(overlay.title(), steps);
  }
}
