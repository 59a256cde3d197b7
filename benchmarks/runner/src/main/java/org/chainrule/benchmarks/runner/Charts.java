package org.chainrule.benchmarks.runner;

import java.awt.Color;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.IChart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Charts of times: bars relative to Chainrule, and lines that show how times grow. */
final class Charts {
  private static final Pattern POINT = Pattern.compile("(.*)-(\\d+)");
  private static final int WIDTH = 1200;
  private static final int HEIGHT = 520;
  private static final int MARKER = 6;
  private static final double BAR_FILL = 0.85;
  private static final int MAX_LEVEL_LABELS = 10;
  private static final int ROTATION = 30;

  private static final double EPSILON = 1e-6;

  /** The variants of a library have shades of one colour. */
  private static final Map<String, Color> COLORS =
      Map.ofEntries(
          Map.entry("chainrule", new Color(0x0b4fb3)),
          Map.entry("chainrule-blas", new Color(0x4b8fe2)),
          Map.entry("chainrule-mkl", new Color(0x9cc4f2)),
          Map.entry("chainrule (fit)", new Color(0x00a0c8)),
          Map.entry("floor-openblas", new Color(0x5a5a5a)),
          Map.entry("floor-mkl", new Color(0xa8a8a8)),
          Map.entry("torch", new Color(0xc8411b)),
          Map.entry("torch-passive", new Color(0xe8794f)),
          Map.entry("torch-mkl", new Color(0xf6b597)),
          Map.entry("djl", new Color(0xe0a800)),
          Map.entry("tensorflow", new Color(0x7d3fa8)),
          Map.entry("dl4j", new Color(0x2e7d32)),
          Map.entry("dl4j-passive", new Color(0x81c784)),
          Map.entry("onnxruntime", new Color(0xc2185b)));

  private final Path folder;

  private Charts(Path folder) {
    this.folder = folder;
  }

  /** Draws the charts of a section, if this JVM can draw. */
  static void draw(Section section, Contests contests, Path folder) throws IOException {
    System.setProperty("java.awt.headless", "true");
    try {
      Charts charts = new Charts(Files.createDirectories(folder));
      switch (section) {
        case TRAINING, OPTIMIZERS, INFERENCE -> charts.bars(section, contests);
        case GROWTH -> charts.lines(contests);
        default -> {
          // the table is enough
        }
      }
    } catch (LinkageError | RuntimeException e) {
      // a JDK without fonts
      System.err.println("The charts of '" + section.title() + "' could not be drawn: " + e);
    }
  }

  /** Draws one bar chart per number of threads, with all workloads. The time of Chainrule is 1. */
  private void bars(Section section, Contests contests) throws IOException {
    Map<Integer, List<Job>> byThreads = new TreeMap<>();
    contests
        .jobs()
        .forEach(
            job ->
                byThreads
                    .computeIfAbsent(job.request().threads(), t -> new ArrayList<>())
                    .add(job));
    for (Map.Entry<Integer, List<Job>> jobs : byThreads.entrySet()) {
      Map<String, Map<String, Double>> ratios = ratios(contests, jobs.getValue());
      List<String> categories =
          ratios.values().stream().flatMap(m -> m.keySet().stream()).distinct().toList();
      if (!categories.isEmpty()) {
        String threads = jobs.getKey() == 1 ? "1 thread" : jobs.getKey() + " threads";
        String title = section.title() + ", " + threads + ": time relative to Chainrule";
        String name = section.label() + "-" + jobs.getKey();
        save(bars(title, categories, ratios), name);
      }
    }
  }

  private static Map<String, Map<String, Double>> ratios(Contests contests, List<Job> jobs) {
    Map<String, Map<String, Double>> ratios = new LinkedHashMap<>();
    List<Job> ordered =
        jobs.stream().sorted(Comparator.comparing(j -> Variant.ALL.indexOf(j.variant()))).toList();
    for (Job job : ordered) {
      double own =
          jobs.stream()
              .filter(other -> other.contest().equals(job.contest()))
              .filter(other -> other.variant().name().equals(Variant.OURS))
              .mapToDouble(contests::milliseconds)
              .findFirst()
              .orElse(Double.NaN);
      double ratio = contests.milliseconds(job) / own;
      if (Double.isFinite(ratio)) {
        ratios
            .computeIfAbsent(job.variant().name(), v -> new LinkedHashMap<>())
            .put(job.place(), ratio);
      }
    }
    return ratios;
  }

  private static CategoryChart bars(
      String title, List<String> categories, Map<String, Map<String, Double>> ratios) {
    CategoryChart chart =
        new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(title).build();
    style(chart.getStyler());
    chart.getStyler().setAvailableSpaceFill(BAR_FILL);
    chart.getStyler().setXAxisLabelRotation(categories.size() > MAX_LEVEL_LABELS ? ROTATION : 0);
    // bars start at this value, because they cannot start at 0 on a logarithmic axis
    double smallest =
        ratios.values().stream()
            .flatMap(series -> series.values().stream())
            .min(Double::compare)
            .orElse(1.0);
    chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(smallest))));
    for (Map.Entry<String, Map<String, Double>> series : ratios.entrySet()) {
      // XChart leaves a gap where a value is null
      List<Double> values = categories.stream().map(series.getValue()::get).toList();
      chart
          .addSeries(series.getKey(), categories, values)
          .setFillColor(COLORS.get(series.getKey()));
    }
    return chart;
  }

  /** Draws one chart per growing quantity. */
  private void lines(Contests contests) throws IOException {
    Map<String, Map<String, TreeMap<Double, Double>>> charts = new LinkedHashMap<>();
    contests
        .jobs()
        .forEach(
            job -> {
              Matcher point = POINT.matcher(job.workload());
              double time = contests.milliseconds(job);
              if (point.matches() && Double.isFinite(time)) {
                charts
                    .computeIfAbsent(point.group(1), g -> new LinkedHashMap<>())
                    .computeIfAbsent(job.variant().name(), v -> new TreeMap<>())
                    .put(Double.valueOf(point.group(2)), time);
              }
            });
    for (Map.Entry<String, Map<String, TreeMap<Double, Double>>> entry : charts.entrySet()) {
      XYChart chart =
          new XYChartBuilder()
              .width(WIDTH)
              .height(HEIGHT)
              .title("Milliseconds per training step by " + entry.getKey())
              .build();
      style(chart.getStyler());
      chart.getStyler().setXAxisLogarithmic(true);
      chart.getStyler().setXAxisLogarithmicDecadeOnly(false);
      chart.getStyler().setXAxisTickLabelsFormattingFunction(Charts::mark);
      chart.getStyler().setMarkerSize(MARKER);
      for (Map.Entry<String, TreeMap<Double, Double>> line : entry.getValue().entrySet()) {
        List<Double> x = List.copyOf(line.getValue().keySet());
        XYSeries series = chart.addSeries(line.getKey(), x, List.copyOf(line.getValue().values()));
        series.setLineColor(COLORS.get(line.getKey()));
        series.setMarkerColor(COLORS.get(line.getKey()));
      }
      save(chart, "growth-" + entry.getKey().replaceAll("[^a-z]+", "-"));
    }
  }

  private static void style(AxesChartStyler styler) {
    styler.setYAxisLogarithmic(true);
    styler.setYAxisLogarithmicDecadeOnly(false);
    styler.setYAxisTickLabelsFormattingFunction(Charts::mark);
    styler.setLegendPosition(LegendPosition.OutsideE);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setChartTitleBoxVisible(false);
  }

  /** Labels only 1, 2 and 5 times powers of ten. Other labels overlap on a logarithmic axis. */
  private static String mark(double value) {
    double digit = value / Math.pow(10, Math.floor(Math.log10(value) + EPSILON));
    return Stream.of(1, 2, 5).anyMatch(known -> Math.abs(digit - known) < EPSILON)
        ? new BigDecimal(value).round(new MathContext(1)).toPlainString()
        : "";
  }

  private void save(IChart chart, String name) throws IOException {
    VectorGraphicsEncoder.saveVectorGraphic(
        chart, folder.resolve(name).toString(), VectorGraphicsFormat.SVG);
  }
}
