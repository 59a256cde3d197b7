package example;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.chainrule.Adam;
import org.chainrule.Batch;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Trainer;
import org.chainrule.draw.Drawing;
import org.chainrule.draw.Overlay;
import org.chainrule.draw.View;
import org.chainrule.visual.HtmlPage;
import org.chainrule.visual.TrainingCurves;
import org.chainrule.visual.progress.ConsoleProgress;

/** Learns the sum of two numbers with a progress bar and writes a page about the training. */
public final class Example {
  private static final int SAMPLES = 512;

  private Example() {}

  public static void main(String[] args) throws Exception {
    Random random = new Random(1);
    float[] values = new float[2 * SAMPLES];
    float[] sums = new float[SAMPLES];
    for (int i = 0; i < SAMPLES; ++i) {
      values[2 * i] = random.nextFloat();
      values[2 * i + 1] = random.nextFloat();
      sums[i] = values[2 * i] + values[2 * i + 1];
    }
    Graph graph = new Graph();
    Node x = graph.input("x", 2);
    Node y = graph.target("y", 1);
    Node loss = graph.meanSquaredError(x.linear(8).tanh().linear(1), y);
    Batch batch = new Batch(SAMPLES).set(x, values).set(y, sums);
    try (Model model = Model.create(graph, 1);
        Trainer trainer = model.trainer(loss, Adam.of(0.02));
        Dataset data = Dataset.of(SAMPLES).with(x, values).with(y, sums)) {
      TrainingCurves curves =
          new TrainingCurves(trainer).metric("validation loss", () -> trainer.evaluate(batch));
      try (ConsoleProgress bar =
          new ConsoleProgress("sums").logger(System.getLogger("training"))) {
        trainer.listener(bar.andThen(curves)).fit(data, 32, 40);
      }
      double reached = trainer.evaluate(batch);
      Drawing network = Drawing.of(loss, View.NETWORK);
      Path page = Path.of(args[0]);
      new HtmlPage("Sums")
          .drawing("The network", network.with(trainer.statistics(batch), Overlay.GRADIENTS))
          .curves("Training", curves)
          .write(page);
      String text = Files.readString(page);
      if (!(reached < 0.01) || !text.contains("</svg>") || !text.contains("image/svg+xml")) {
        throw new AssertionError("loss " + reached + ", page of " + text.length() + " characters");
      }
      System.out.printf("learned sums: loss %.1e, a page of %d bytes%n", reached, Files.size(page));
    }
  }
}
