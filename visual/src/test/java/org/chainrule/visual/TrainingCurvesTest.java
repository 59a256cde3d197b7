package org.chainrule.visual;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.Color;
import java.awt.GraphicsEnvironment;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import org.chainrule.Batch;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Sgd;
import org.chainrule.Trainer;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.Overlay;
import org.chainrule.draw.View;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;

/** Tests what is recorded during training, and the files and pages that are written from it. */
class TrainingCurvesTest {
  private static final int SAMPLES = 40;
  private static final int EPOCHS = 4;

  @TempDir private Path folder;

  private final float[] values = floats(SAMPLES * 3);
  private final float[] wanted = floats(SAMPLES);
  private final Graph graph = new Graph();
  private final Node x = graph.input("x", 3);
  private final Node loss =
      graph.meanSquaredError(x.linear(4).tanh().linear(1), graph.target("y", 1));
  private final Model model = Model.create(graph, 1);
  private final Trainer trainer = model.trainer(loss, Sgd.of(0.1));
  private final Dataset data = Dataset.of(SAMPLES).with("x", values).with("y", wanted);
  private final Batch batch = new Batch(SAMPLES).set("x", values).set("y", wanted);

  private static float[] floats(int count) {
    Random random = new Random(count);
    float[] values = new float[count];
    for (int i = 0; i < count; ++i) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @AfterEach
  void close() {
    trainer.close();
    model.close();
    data.close();
  }

  private TrainingCurves record() {
    TrainingCurves curves =
        new TrainingCurves(trainer).metric("half, \"so\"", () -> 0.5).gradientNorm(batch);
    trainer.listener(
        curves.andThen(progress -> trainer.learningRate(0.1 / (progress.epoch() + 1))));
    trainer.fit(data, 8, EPOCHS);
    return curves;
  }

  @Test
  void eachEpochAddsARow() {
    TrainingCurves curves = record();
    assertEquals(
        List.of("epoch", "loss", "learning rate", "samples/s", "half, \"so\"", "gradient norm"),
        curves.names());
    assertArrayEquals(new double[] {1, 2, 3, 4}, curves.values("epoch"));
    assertArrayEquals(
        new double[] {0.1, 0.1 / 2, 0.1 / 3, 0.1 / 4}, curves.values("learning rate"));
    assertArrayEquals(new double[] {0.5, 0.5, 0.5, 0.5}, curves.values("half, \"so\""));
    double[] losses = curves.values("loss");
    assertTrue(losses[EPOCHS - 1] < losses[0], "expected the loss to fall");
    for (double speed : curves.values("samples/s")) {
      assertTrue(speed > 0 && Double.isFinite(speed), "samples/s: " + speed);
    }
    // the last recorded norm was computed with the current parameters
    trainer.gradients(batch);
    double squares = 0;
    for (Node parameter : model.parameters()) {
      for (double g : trainer.gradientDoubles(parameter)) {
        squares += g * g;
      }
    }
    assertEquals(Math.sqrt(squares), curves.values("gradient norm")[EPOCHS - 1], 1e-6);
  }

  @Test
  void filesContainTheRows() throws Exception {
    TrainingCurves curves = record();
    Path csv = folder.resolve("curves.csv");
    curves.csv(csv);
    List<String> lines = Files.readAllLines(csv);
    assertEquals(EPOCHS + 1, lines.size());
    assertEquals(
        "epoch,loss,learning rate,samples/s,\"half, \"\"so\"\"\",gradient norm", lines.get(0));
    assertEquals(curves.values("loss")[1], Double.parseDouble(lines.get(2).split(",")[1]));
    curves.png(folder.resolve("curves.png"));
    assertEquals(1840, ImageIO.read(folder.resolve("curves.png").toFile()).getWidth());
    curves.svg(folder.resolve("curves.svg"));
    assertTrue(Files.readString(folder.resolve("curves.svg")).contains("<svg"));
    try (var files = Files.list(folder)) {
      assertEquals(3, files.count(), "expected no temporary files");
    }
  }

  @Test
  void aFileThatCannotBeWrittenIsNamedInTheMessage() {
    Path nowhere = folder.resolve("no").resolve("curves.csv");
    String message =
        assertThrows(UncheckedIOException.class, () -> record().csv(nowhere)).getMessage();
    assertTrue(message.startsWith("cannot write " + nowhere), message);
  }

  /** The first event of each fit has more steps than the last event of the previous fit. */
  @Test
  void timeBetweenTwoFitsDoesNotCountAsTraining() {
    TrainingCurves curves = new TrainingCurves(trainer);
    List<Double> speeds = new ArrayList<>();
    trainer.listener(
        curves.andThen(
            progress -> {
              if (progress.isEpochEnd()) {
                speeds.add(progress.samplesPerSecond());
              }
            }));
    for (int batchSize : new int[] {SAMPLES, SAMPLES / 4, 1}) {
      trainer.fit(data, batchSize, 1);
    }
    // each fit is too short for a row before its end, so its only row has the speed of the fit
    assertEquals(3, speeds.size());
    assertArrayEquals(
        speeds.stream().mapToDouble(Double::doubleValue).toArray(), curves.values("samples/s"));
  }

  @Test
  void chartsDoNotChangeTheHeadlessProperty() {
    GraphicsEnvironment.isHeadless(); // AWT reads the property once; later changes have no effect
    String before = System.clearProperty("java.awt.headless");
    try {
      record().png(folder.resolve("curves.png"));
      assertNull(System.getProperty("java.awt.headless"));
    } finally {
      if (before != null) {
        System.setProperty("java.awt.headless", before);
      }
    }
  }

  @Test
  void refusesChartsWithoutRowsAndInvalidNames() {
    TrainingCurves curves = new TrainingCurves(trainer);
    assertThrows(IllegalArgumentException.class, () -> curves.png(folder.resolve("x.png")));
    assertThrows(IllegalArgumentException.class, () -> curves.metric("loss", () -> 1));
    assertThrows(IllegalArgumentException.class, () -> curves.values("none"));
    assertThrows(IllegalArgumentException.class, () -> new TrainingCurves(null));
    assertFalse(Files.exists(folder.resolve("x.png")));
  }

  @Test
  void aPageContainsGraphAndCurvesAndLoadsNothing() {
    Drawing drawing = Drawing.of(loss, View.NETWORK);
    String page =
        new HtmlPage("<Title>")
            .drawing("network", drawing.with(trainer.statistics(batch), Overlay.GRADIENTS))
            .curves("curves", record())
            .text("a & b")
            .toString();
    assertTrue(page.contains("<h1>&lt;Title&gt;</h1>"), "expected an escaped title");
    assertTrue(page.contains("a &amp; b"), "expected an escaped paragraph");
    assertTrue(page.contains("prefers-color-scheme: dark"), "expected dark colours");
    assertTrue(page.contains("</svg>") && page.contains("src=\"data:image/svg+xml;base64,"));
    assertFalse(page.contains("<script"), "expected no scripts");
    String rest = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assertFalse(rest.contains("http:") || rest.contains("https:"), "expected no external URLs");
  }

  @Test
  void lossAndValidationLossShareAChart() {
    TrainingCurves curves =
        new TrainingCurves(trainer)
            .metric("validation accuracy", () -> 0.5)
            .metric("validation loss", () -> 1000 * trainer.evaluate(batch))
            .metric("accuracy", () -> 0.75)
            .metric("gloss", () -> 1)
            .metric("never", () -> Double.NaN);
    trainer.listener(curves).fit(data, 8, EPOCHS);
    List<XYChart> charts = new CurveCharts(curves).charts();
    assertEquals(
        List.of("loss", "learning rate", "samples/s", "accuracy", "gloss"),
        charts.stream().map(XYChart::getTitle).toList());
    assertEquals(List.of("loss", "validation loss"), names(charts.get(0)));
    assertEquals(List.of("validation accuracy", "accuracy"), names(charts.get(3)));
    assertEquals(List.of("gloss"), names(charts.get(4)));
    XYChart losses = charts.get(0);
    List<Color> colours =
        losses.getSeriesCollection().stream().map(XYSeries::getLineColor).toList();
    assertNotEquals(colours.get(0), colours.get(1));
    assertTrue(losses.getStyler().isLegendVisible(), "expected a legend for two lines");
    assertFalse(charts.get(1).getStyler().isLegendVisible(), "expected no legend for one line");
    assertTrue(losses.getStyler().isYAxisLogarithmic(), "expected the range of both lines");
  }

  private static List<String> names(XYChart chart) {
    return chart.getSeriesCollection().stream().map(XYSeries::getName).toList();
  }
}
