package org.chainrule.samples;

import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Predictor;
import org.chainrule.Sgd;
import org.chainrule.Trainer;

/** Logistic regression that classifies three species of iris by the sizes of sepals and petals. */
public final class IrisClassification {
  static final double LEAST_ACCURACY = 0.92;

  private static final int MEASURES = 4;
  private static final int SPECIES = 3;
  private static final int FOLDS = 3;
  private static final int BATCH_SIZE = 25;
  private static final int EPOCHS = 500;
  private static final double LEARNING_RATE = 0.1;

  private IrisClassification() {}

  /** The accuracy on the held-out flowers, their number, and loss and speed of the training. */
  record Result(double accuracy, int heldOut, Training training) {}

  /**
   * Trains and prints the results.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Result result = run(0);
    Score.print(
        "accuracy %s of %d held-out flowers", Score.percent(result.accuracy()), result.heldOut());
    Score.print("%s", result.training());
    Score.expect(result.accuracy() >= LEAST_ACCURACY, "an accuracy of 92 %");
  }

  static Result run(long splitSeed) {
    Table all = Table.iris();
    Split split = Split.stratified(all.labels(MEASURES), FOLDS, splitSeed);
    Table seen = all.select(split.training());
    Table training = seen.standardized(MEASURES, seen);
    Table heldOut = all.select(split.heldOut()).standardized(MEASURES, seen);

    try (Graph graph = new Graph()) {
      Node x = graph.input("measures", MEASURES);
      Node label = graph.label("species", SPECIES);
      Node logits = graph.linear(x, SPECIES);
      Node loss = graph.softmaxCrossEntropy(logits, label);
      try (Model model = Model.create(graph, 1);
          Trainer trainer = model.trainer(loss, Sgd.of(LEARNING_RATE));
          Dataset data =
              Dataset.of(training.size())
                  .with(x, training.floats(0, MEASURES))
                  .with(label, training.labels(MEASURES));
          Predictor predictor = model.predictor(logits)) {
        Training speed = Training.fit("iris", trainer, data, BATCH_SIZE, EPOCHS);
        int[] predicted = predictor.classify(heldOut.floats(0, MEASURES));
        double accuracy = Score.accuracy(predicted, heldOut.labels(MEASURES));
        return new Result(accuracy, heldOut.size(), speed);
      }
    }
  }
}
