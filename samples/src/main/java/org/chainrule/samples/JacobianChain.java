package org.chainrule.samples;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Supplier;
import org.chainrule.Batch;
import org.chainrule.DataType;
import org.chainrule.Graph;
import org.chainrule.Initializer;
import org.chainrule.Jacobian;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Shows why backpropagation never builds a Jacobian. The gradient of a loss by the input of a deep
 * network is a product of Jacobians, one per layer, and a vector:
 *
 * <pre>dL/dx = (da₁/dx) (da₂/da₁) … (da_K/da_K₋₁) dL/da_K</pre>
 *
 * <p>in the convention (dy/dx)_ij = dy_j/dx_i. From the left, each product of two n x n matrices
 * takes O(n³). From the right, all products are of a matrix and a vector and take O(n²). This is
 * the recursion δ = (df/dx) δ of the backward pass. Both ways compute the same gradient. This
 * program verifies that, and measures the time of each way for one sample as a function of n.
 */
public final class JacobianChain {
  /** Enough layers that the weights of the narrowest network in the fit exceed the cache. */
  static final int LAYERS = 24;

  static final double MOST_DIFFERENCE = 1e-10;

  /** The largest n for which a layer's Jacobian by backward passes is compared with its formula. */
  private static final int MOST_COMPARED = 256;

  private static final int[] WIDTHS = {64, 128, 256, 512, 724, 1024, 1448, 2048};
  private static final int FIT_FROM = 512;
  private static final double[] CUBIC = {2.6, 3.2};
  private static final double[] QUADRATIC = {1.7, 2.3};
  private static final int MOST_REPEATS = 300;
  private static final double ENOUGH_SECONDS = 1;
  private static final int RECURSIONS = 40;
  private static final int PRODUCTS = 2;
  private static final double BILLION = 1e9;
  private static final int WIDTH = 900;
  private static final int HEIGHT = 620;

  private JacobianChain() {}

  /**
   * The measurements for one width.
   *
   * @param n the number of features of every layer
   * @param product the time of the product of the Jacobians, in seconds
   * @param recursion the time of the forward and the backward pass, in seconds
   * @param difference the largest difference of the two gradients, relative to the largest element
   */
  record Point(int n, double product, double recursion, double difference) {}

  /**
   * Measures and prints, and writes {@code jacobian-chain.csv} and {@code jacobian-chain.png}.
   *
   * @param args the folder of the files, by default {@code target}
   * @throws IOException if a file cannot be written
   */
  public static void main(String[] args) throws IOException {
    Path folder = Files.createDirectories(Path.of(args.length > 0 ? args[0] : "target"));
    List<Point> points = new ArrayList<>();
    Score.print("    n   product of Jacobians    recursion of deltas   difference");
    for (int n : WIDTHS) {
      Point point = measure(n);
      points.add(point);
      Score.print(
          "%5d %18.3f ms %19.3f ms %14.1e",
          n, 1e3 * point.product(), 1e3 * point.recursion(), point.difference());
    }
    double[] product = fit(points, Point::product);
    double[] recursion = fit(points, Point::recursion);
    Score.print("slopes from n = %d: %.2f and %.2f", FIT_FROM, product[0], recursion[0]);
    write(folder.resolve("jacobian-chain.csv"), points);
    draw(folder.resolve("jacobian-chain.png"), points, product, recursion);
    for (Point point : points) {
      Score.expect(point.difference() <= MOST_DIFFERENCE, "the same gradient at n = " + point.n());
    }
    Score.expect(within(product[0], CUBIC), "a slope of 2.6 to 3.2 for products of matrices");
    Score.expect(within(recursion[0], QUADRATIC), "a slope of 1.7 to 2.3 for the recursion");
  }

  static Point measure(int n) {
    try (Graph graph = new Graph()) {
      Node x = graph.input("x", n);
      List<Node> layers = new ArrayList<>(List.of(x));
      for (int k = 1; k <= LAYERS; ++k) {
        Node weight = graph.parameter("W" + k, n, n, Initializer.glorotUniform());
        Node z = graph.linear(layers.get(k - 1), weight);
        layers.add(graph.tanh(z).named("a" + k));
      }
      Node target = graph.target("t", n);
      Node loss = graph.squaredError(layers.get(LAYERS), target);
      Random random = new Random(n);
      Batch batch =
          new Batch(1)
              .set(x, random.doubles(n, -1, 1).toArray())
              .set(target, random.doubles(n, -1, 1).toArray());
      try (Model model = Model.builder(graph).seed(n).dataType(DataType.DOUBLE).build();
          Jacobian delta = Jacobian.of(model, loss, x)) {
        Timed<double[][][]> recursion = time(RECURSIONS, () -> delta.compute(batch));
        Timed<double[]> product = product(model, loss, layers, batch);
        double largest = 0;
        double difference = 0;
        for (int i = 0; i < n; ++i) {
          largest = Math.max(largest, Math.abs(product.value()[i]));
          difference =
              Math.max(difference, Math.abs(product.value()[i] - recursion.value()[0][i][0]));
        }
        return new Point(n, product.seconds(), recursion.seconds(), difference / largest);
      }
    }
  }

  /**
   * Computes J₁ J₂ … J_K from the left, then multiplies by dL/da_K. The computation is a graph of
   * matrix products whose parameters are the Jacobians.
   */
  private static Timed<double[]> product(Model model, Node loss, List<Node> layers, Batch batch) {
    int n = (int) layers.get(0).features();
    try (Graph graph = new Graph()) {
      List<Node> factors = new ArrayList<>();
      for (int k = 1; k <= LAYERS; ++k) {
        factors.add(graph.parameter("J" + k, n, n, Initializer.zeros()));
      }
      Node vector = graph.parameter("dL/da", n, Initializer.zeros());
      Node chain = factors.get(0);
      for (Node factor : factors.subList(1, LAYERS)) {
        chain = graph.matmul(factor, chain); // the second operand is on the left: chain times J
      }
      Node gradient = graph.matmul(vector, chain);
      try (Model products = Model.builder(graph).dataType(DataType.DOUBLE).build();
          Predictor predictor = products.predictor(gradient)) {
        for (int k = 1; k <= LAYERS; ++k) {
          products.set(factors.get(k - 1), layerJacobian(model, layers, k, batch));
        }
        try (Jacobian last = Jacobian.of(model, loss, layers.get(LAYERS))) {
          double[] values = new double[n];
          double[][] column = last.compute(batch)[0];
          for (int i = 0; i < n; ++i) {
            values[i] = column[i][0];
          }
          products.set(vector, values);
        }
        double[] values = new double[n];
        Batch noData = new Batch(1);
        return time(
            PRODUCTS,
            () -> {
              predictor.predict(noData, values);
              return values;
            });
      }
    }
  }

  /** Returns the Jacobian of a = tanh(W x), row by row: (da/dx)_ij = W_ji (1 − a_j²). */
  private static double[] layerJacobian(Model model, List<Node> layers, int k, Batch batch) {
    Node a = layers.get(k);
    int n = (int) a.features();
    double[] weight = model.getDoubles(model.graph().node("W" + k));
    double[] value = new double[n];
    try (Predictor predictor = model.predictor(a)) {
      predictor.predict(batch, value);
    }
    double[] jacobian = new double[n * n];
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        jacobian[i * n + j] = weight[j * n + i] * (1 - value[j] * value[j]);
      }
    }
    if (n <= MOST_COMPARED && k == LAYERS) {
      compare(model, a, layers.get(k - 1), batch, jacobian);
    }
    return jacobian;
  }

  private static void compare(Model model, Node a, Node x, Batch batch, double[] formula) {
    try (Jacobian layer = Jacobian.of(model, a, x)) {
      double[][] passes = layer.compute(batch)[0];
      int n = passes.length;
      for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
          boolean same = Math.abs(passes[i][j] - formula[i * n + j]) <= MOST_DIFFERENCE;
          Score.expect(same, "the Jacobian of a layer agrees with its formula");
        }
      }
    }
  }

  private record Timed<T>(T value, double seconds) {}

  /** Returns the shortest time of several runs, because other load can only make a run longer. */
  private static <T> Timed<T> time(int least, Supplier<T> run) {
    T value = null;
    double shortest = Double.POSITIVE_INFINITY;
    double total = 0;
    for (int i = 0; i < MOST_REPEATS && (i < least || total < ENOUGH_SECONDS); ++i) {
      long start = System.nanoTime();
      value = run.get();
      double seconds = (System.nanoTime() - start) / BILLION;
      shortest = Math.min(shortest, seconds);
      total += seconds;
    }
    return new Timed<>(value, shortest);
  }

  private interface Seconds {
    double of(Point point);
  }

  /** Fits a line to log seconds over log n for large n. Returns its slope and intercept. */
  private static double[] fit(List<Point> points, Seconds seconds) {
    List<Point> large = points.stream().filter(point -> point.n() >= FIT_FROM).toList();
    double x = large.stream().mapToDouble(p -> Math.log(p.n())).average().orElseThrow();
    double y = large.stream().mapToDouble(p -> Math.log(seconds.of(p))).average().orElseThrow();
    double xy = 0;
    double xx = 0;
    for (Point point : large) {
      double dx = Math.log(point.n()) - x;
      xy += dx * (Math.log(seconds.of(point)) - y);
      xx += dx * dx;
    }
    return new double[] {xy / xx, y - xy / xx * x};
  }

  private static boolean within(double value, double[] range) {
    return value >= range[0] && value <= range[1];
  }

  private static void write(Path file, List<Point> points) throws IOException {
    StringBuilder text = new StringBuilder("n,product_seconds,recursion_seconds,difference\n");
    for (Point p : points) {
      text.append(
          String.format(
              Locale.ROOT, "%d,%g,%g,%g%n", p.n(), p.product(), p.recursion(), p.difference()));
    }
    Files.writeString(file, text);
  }

  private static void draw(Path file, List<Point> points, double[] product, double[] recursion)
      throws IOException {
    System.setProperty("java.awt.headless", "true");
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title("One gradient through " + LAYERS + " layers, two ways")
            .xAxisTitle("features of each layer, n")
            .yAxisTitle("milliseconds a sample")
            .build();
    chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
    chart.getStyler().setLegendPosition(LegendPosition.InsideNW);
    chart.getStyler().setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    chart.getStyler().setXAxisDecimalPattern("#").setYAxisDecimalPattern("#.###");
    add(chart, "product of Jacobians", points, Point::product, product, new Color(0xc8411b));
    add(chart, "recursion of deltas", points, Point::recursion, recursion, new Color(0x0b4fb3));
    BitmapEncoder.saveBitmap(chart, file.toString(), BitmapFormat.PNG);
  }

  private static void add(
      XYChart chart, String name, List<Point> points, Seconds seconds, double[] fit, Color color) {
    double[] n = points.stream().mapToDouble(Point::n).toArray();
    double[] measured = points.stream().mapToDouble(p -> 1e3 * seconds.of(p)).toArray();
    XYSeries marks = chart.addSeries(name, n, measured);
    marks.setMarker(SeriesMarkers.CIRCLE).setMarkerColor(color).setLineStyle(SeriesLines.NONE);
    double[] ends = {FIT_FROM, n[n.length - 1]};
    double[] line = new double[ends.length];
    for (int i = 0; i < ends.length; ++i) {
      line[i] = 1e3 * Math.exp(fit[1] + fit[0] * Math.log(ends[i]));
    }
    String slope = String.format(Locale.ROOT, "%s: slope %.2f", name, fit[0]);
    XYSeries fitted = chart.addSeries(slope, ends, line);
    fitted.setMarker(SeriesMarkers.NONE).setLineColor(color).setLineStyle(SeriesLines.SOLID);
  }
}
