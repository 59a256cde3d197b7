package org.chainrule.samples;

import java.nio.file.Path;
import java.util.List;
import org.chainrule.Adam;
import org.chainrule.Batch;
import org.chainrule.Dataset;
import org.chainrule.Gradients;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.NodeStatistics;
import org.chainrule.Predictor;
import org.chainrule.Progress;
import org.chainrule.Trainer;
import org.chainrule.draw.ColourScale;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.Overlay;
import org.chainrule.draw.View;
import org.chainrule.visual.HtmlPage;
import org.chainrule.visual.TrainingCurves;
import org.chainrule.visual.progress.ConsoleProgress;

/**
 * Trains a small network on digits and writes a page about it. The page shows the network, the
 * norms of its deltas before and after training, and the curves of loss, accuracy, learning rate
 * and gradient norm.
 */
public final class DigitsPage {
  private static final int HIDDEN = 64;
  private static final int BATCH_SIZE = 32;
  private static final int EPOCHS = 15;
  private static final double LEARNING_RATE = 0.005;

  /** The learning rate is multiplied by this after each epoch. */
  private static final double DECAY = 0.8;

  private DigitsPage() {}

  /**
   * Trains and writes the page. The curves are also written beside it as CSV, PNG and SVG.
   *
   * @param args the file of the page, by default a file in the folder target
   */
  public static void main(String[] args) {
    Path page = Path.of(args.length > 0 ? args[0] : "target/digits.html").toAbsolutePath();
    run(page);
    Score.print("wrote %s", page);
  }

  static void run(Path page) {
    Table seen = Digits.trainingPart();
    Table heldOut = Digits.heldOutPart();
    float[] pixels = heldOut.floats(0, DigitsNetwork.PIXELS);
    int[] labels = heldOut.labels(DigitsNetwork.PIXELS);
    try (Graph graph = new Graph()) {
      Node x = graph.input("pixels", DigitsNetwork.PIXELS);
      Node hidden = x.scale(1 / DigitsNetwork.BRIGHTEST).linear(HIDDEN).sigmoid();
      Node logits = hidden.linear(DigitsNetwork.CLASSES, "logits");
      Node label = graph.label("digit", DigitsNetwork.CLASSES);
      Node loss = graph.softmaxCrossEntropy(logits, label);
      Batch batch = new Batch(labels.length).set(x, pixels).set(label, labels);
      try (Model model = Model.create(graph, 1);
          Trainer trainer = model.trainer(loss, Adam.of(LEARNING_RATE));
          Dataset data =
              Dataset.of(seen.size())
                  .with(x, seen.floats(0, DigitsNetwork.PIXELS))
                  .with(label, seen.labels(DigitsNetwork.PIXELS));
          Gradients gradients = Gradients.of(model, loss);
          Predictor predictor = model.predictor(logits)) {
        TrainingCurves curves =
            new TrainingCurves(trainer)
                .metric("validation loss", () -> trainer.evaluate(batch))
                .metric("accuracy", () -> Score.accuracy(predictor.classify(pixels), labels))
                .gradientNorm(batch);
        Drawing network = Drawing.of(loss, View.NETWORK);
        List<NodeStatistics> before = gradients.statistics(batch);
        try (ConsoleProgress bar = new ConsoleProgress("digits")) {
          trainer.listener(bar.andThen(curves).andThen(progress -> decay(trainer, progress)));
          trainer.fit(data, BATCH_SIZE, EPOCHS);
        }
        List<NodeStatistics> after = gradients.statistics(batch);
        ColourScale scale =
            network.scale(before, Overlay.DELTAS).and(network.scale(after, Overlay.DELTAS));
        new HtmlPage("Handwritten digits")
            .drawing("The network", network)
            .drawing("Operations, data and parameters", Drawing.of(loss, View.CONCISE))
            .drawing(
                "Norms of δ on the held-out digits, before training",
                network.with(before, Overlay.DELTAS, scale))
            .drawing("The same after training", network.with(after, Overlay.DELTAS, scale))
            .curves("Training", curves)
            .listing(trainer.plan(BATCH_SIZE))
            .write(page);
        String name = page.getFileName().toString().replaceAll("\\.html$", "");
        curves.csv(page.resolveSibling(name + ".csv"));
        curves.png(page.resolveSibling(name + ".png"));
        curves.svg(page.resolveSibling(name + ".svg"));
      }
    }
  }

  private static void decay(Trainer trainer, Progress progress) {
    if (progress.isEpochEnd()) {
      trainer.learningRate(trainer.learningRate() * DECAY);
    }
  }
}
