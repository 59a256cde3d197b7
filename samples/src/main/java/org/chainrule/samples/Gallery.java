package org.chainrule.samples;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.chainrule.Batch;
import org.chainrule.DataType;
import org.chainrule.Gradients;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.draw.ColourScale;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.Overlay;
import org.chainrule.draw.View;

/** Creates the drawings of docs/drawing.md by the names of their files. */
final class Gallery {
  private static final int DEPTH = 10;
  private static final int WIDTH = 32;
  private static final int SAMPLES = 128;
  private static final int HUNDRED = 100;

  private final Map<String, Drawing> drawings = new LinkedHashMap<>();

  private Gallery() {}

  static Map<String, Drawing> drawings() {
    Gallery gallery = new Gallery();
    gallery.add("linear-regression", linearRegression(), View.values());
    gallery.add("logistic-regression", logisticRegression(), View.DETAILED, View.CONCISE);
    gallery.add("two-layers", twoLayers(), View.values());
    try (DigitsNetwork digits = new DigitsNetwork(Digits.SETTINGS, 1)) {
      gallery.add("digits", digits.loss(), View.CONCISE, View.NETWORK);
    }
    gallery.add("tied-autoencoder", TiedAutoencoder.build(new Graph()), View.CONCISE, View.NETWORK);
    gallery.add("hundred-nodes", hundredNodes(), View.CONCISE);
    gallery.deep();
    return gallery.drawings;
  }

  private void add(String name, Node loss, View... views) {
    for (View view : views) {
      drawings.put(name + "-" + view.name().toLowerCase(Locale.ROOT), Drawing.of(loss, view));
    }
  }

  /** Builds ‖(x₁θ₁ + x₂θ₂) − y‖². */
  private static Node linearRegression() {
    Graph graph = new Graph();
    Node x = graph.input("x", 2);
    Node theta = graph.parameter("theta", 1, 2, Initializer.zeros());
    Node f = graph.linear(x, theta).named("f");
    return graph.meanSquaredError(f, graph.target("y", 1));
  }

  private static Node logisticRegression() {
    Graph graph = new Graph();
    Node z = graph.input("x", 3).linear(1);
    return graph.binaryCrossEntropy(z, graph.target("y", 1));
  }

  private static Node twoLayers() {
    Graph graph = new Graph();
    Node z = graph.input("x", 2).linear(3).sigmoid().linear(1);
    return graph.binaryCrossEntropy(z, graph.target("y", 1));
  }

  /**
   * Builds a random graph of 100 nodes. Each step applies an operation to one or two nodes that
   * have no consumer yet. The loss depends on all nodes.
   */
  private static Node hundredNodes() {
    Random random = new Random(3);
    Graph graph = new Graph();
    Deque<Node> ends = new ArrayDeque<>();
    for (int i = 1; i <= 3; ++i) {
      ends.add(graph.input("x" + i, 8));
    }
    // leave nodes for the sums that join all ends, the target and the loss
    while (missing(graph, ends) > 0) {
      Node a = ends.remove();
      int choice = missing(graph, ends) < 8 ? 0 : random.nextInt(5);
      switch (choice) {
        case 0 -> ends.add(a.tanh());
        case 1 -> ends.add(a.sigmoid());
        case 2 -> ends.add(a.linear(8).relu());
        case 3 -> ends.add(a.multiply(ends.remove()));
        default -> {
          ends.add(a.linear(8).sigmoid());
          ends.add(a.silu());
        }
      }
    }
    while (ends.size() > 1) {
      ends.add(ends.remove().add(ends.remove()));
    }
    return graph.meanSquaredError(ends.remove(), graph.target("y", 8));
  }

  /** Returns how many nodes can still be added before the ends are joined. */
  private static int missing(Graph graph, Deque<Node> ends) {
    return HUNDRED - graph.nodes().size() - ends.size() - 1;
  }

  /** Draws statistics of two untrained ten-layer networks on a batch of digits, on one scale. */
  private void deep() {
    Graph sigmoidGraph = new Graph();
    Graph reluGraph = new Graph();
    Node sigmoidLoss = deep(sigmoidGraph, true);
    Node reluLoss = deep(reluGraph, false);
    Drawing sigmoid = Drawing.of(sigmoidLoss, View.NETWORK);
    Drawing relu = Drawing.of(reluLoss, View.NETWORK);
    List<NodeStatistics> ofSigmoid = statistics(sigmoidGraph, sigmoidLoss);
    List<NodeStatistics> ofRelu = statistics(reluGraph, reluLoss);
    for (Overlay overlay : Overlay.values()) {
      String what = overlay.name().toLowerCase(Locale.ROOT);
      ColourScale scale = sigmoid.scale(ofSigmoid, overlay).and(relu.scale(ofRelu, overlay));
      drawings.put("deep-sigmoid-" + what, sigmoid.with(ofSigmoid, overlay, scale));
      drawings.put("deep-relu-" + what, relu.with(ofRelu, overlay, scale));
    }
  }

  static Node deep(Graph graph, boolean sigmoid) {
    Node a = graph.input("pixels", DigitsNetwork.PIXELS).scale(1 / DigitsNetwork.BRIGHTEST);
    for (int i = 0; i < DEPTH; ++i) {
      a = sigmoid ? a.linear(WIDTH).sigmoid() : a.linear(WIDTH, Initializer.heNormal()).relu();
    }
    Node logits = a.linear(DigitsNetwork.CLASSES, "logits");
    return graph.softmaxCrossEntropy(logits, graph.label("digit", DigitsNetwork.CLASSES));
  }

  /**
   * Computes statistics in double. The drawings round them, so that differences in the last bits do
   * not show and the picture is the same on every machine.
   */
  static List<NodeStatistics> statistics(Graph graph, Node loss) {
    Table digits = Table.digits().select(IntStream.range(0, SAMPLES).toArray());
    Batch batch =
        new Batch(SAMPLES)
            .set("pixels", digits.doubles(0, DigitsNetwork.PIXELS))
            .set("digit", digits.labels(DigitsNetwork.PIXELS));
    try (Model model = Model.builder(graph).dataType(DataType.DOUBLE).seed(1).build();
        Gradients gradients = Gradients.of(model, loss)) {
      return gradients.statistics(batch);
    }
  }
}
