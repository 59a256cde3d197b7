package org.chainrule.visual;

import de.erichseifert.vectorgraphics2d.Document;
import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws charts of training curves, two per row. They are legible on light and dark pages. */
final class CurveCharts {
  private static final int WIDTH = 460;
  private static final int HEIGHT = 260;
  private static final int COLUMNS = 2;
  private static final int SCALE = 2;
  private static final Color INK = new Color(0x727a84);
  private static final Color GRID = new Color(0x72, 0x7a, 0x84, 70);
  private static final Color NONE = new Color(0, 0, 0, 0);
  private static final Color[] LINES = {
    new Color(0xd04f61), new Color(0xb06a14), new Color(0x3f7fd0), new Color(0x2a8a50)
  };

  /** The axis is logarithmic if the ratio of the largest to the smallest value exceeds this. */
  private static final double WIDE = 50;

  private final List<XYChart> charts = new ArrayList<>();

  CurveCharts(TrainingCurves curves) {
    TrainingCurves.require(curves.rows() > 0, "expected recorded rows to draw, but got none");
    curves.charts().forEach((title, names) -> add(curves, title, names));
  }

  /** Returns the charts. */
  List<XYChart> charts() {
    return charts;
  }

  /** Adds a chart. Lines without any finite number are left out. */
  private void add(TrainingCurves curves, String title, List<String> names) {
    XYChart chart =
        new XYChartBuilder().width(WIDTH).height(HEIGHT).title(title).xAxisTitle("epoch").build();
    double[] epochs = curves.values(TrainingCurves.EPOCH);
    DoubleSummaryStatistics range = new DoubleSummaryStatistics();
    for (String name : names) {
      double[] values = curves.values(name);
      int[] rows =
          IntStream.range(0, values.length).filter(i -> Double.isFinite(values[i])).toArray();
      if (rows.length > 0) {
        double[] x = IntStream.of(rows).mapToDouble(i -> epochs[i]).toArray();
        double[] y = IntStream.of(rows).mapToDouble(i -> values[i]).toArray();
        DoubleStream.of(y).forEach(range);
        Color colour = LINES[(charts.size() + chart.getSeriesCollection().size()) % LINES.length];
        XYSeries series = chart.addSeries(name, x, y);
        series.setLineColor(colour).setLineStyle(new BasicStroke(2));
        series.setMarker(x.length == 1 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
        series.setMarkerColor(colour);
      }
    }
    if (!chart.getSeriesCollection().isEmpty()) {
      style(chart.getStyler(), range, chart.getSeriesCollection().size() > 1);
      charts.add(chart);
    }
  }

  private static void style(XYStyler styler, DoubleSummaryStatistics range, boolean legend) {
    styler.setYAxisLogarithmic(range.getMin() > 0 && range.getMax() / range.getMin() > WIDE);
    styler.setLegendVisible(legend);
    styler.setLegendPosition(LegendPosition.InsideNE);
    styler.setLegendBackgroundColor(NONE);
    styler.setLegendBorderColor(NONE);
    styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setChartBackgroundColor(NONE);
    styler.setPlotBackgroundColor(NONE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setChartFontColor(INK);
    styler.setAxisTickLabelsColor(INK);
    styler.setAxisTickMarksColor(INK);
    styler.setXAxisTitleColor(INK);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 15));
    styler.setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12));
    styler.setXAxisMaxLabelCount(8);
    styler.setYAxisTickLabelsFormattingFunction(CurveCharts::number);
  }

  /** Returns an axis label: 0.005, 400k, 1.2M, 2e-4. XChart's own labels omit the leading 0. */
  private static String number(double value) {
    double size = Math.abs(value);
    if (size >= 1e6) {
      return digits(value / 1e6) + "M";
    }
    if (size >= 1e4) {
      return digits(value / 1e3) + "k";
    }
    if (size == 0 || size >= 1e-3) {
      return digits(value);
    }
    int power = (int) Math.floor(Math.log10(size));
    return digits(value / Math.pow(10, power)) + "e" + power;
  }

  private static String digits(double value) {
    return new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }

  private int width() {
    return WIDTH * Math.min(COLUMNS, charts.size());
  }

  private int height() {
    return HEIGHT * ((charts.size() + COLUMNS - 1) / COLUMNS);
  }

  private void paint(Graphics2D graphics) {
    for (int i = 0; i < charts.size(); ++i) {
      Graphics2D part = (Graphics2D) graphics.create();
      part.translate(i % COLUMNS * WIDTH, i / COLUMNS * HEIGHT);
      charts.get(i).paint(part, WIDTH, HEIGHT);
      part.dispose();
    }
  }

  byte[] png() {
    BufferedImage image =
        new BufferedImage(width() * SCALE, height() * SCALE, BufferedImage.TYPE_INT_ARGB);
    Graphics2D graphics = image.createGraphics();
    graphics.scale(SCALE, SCALE);
    paint(graphics);
    graphics.dispose();
    try {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      ImageIO.write(image, "png", out);
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String svg() {
    VectorGraphics2D graphics = new VectorGraphics2D();
    paint(graphics);
    Document document =
        new SVGProcessor()
            .getDocument(graphics.getCommands(), new PageSize(0, 0, width(), height()));
    try {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      document.writeTo(out);
      return out.toString(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
