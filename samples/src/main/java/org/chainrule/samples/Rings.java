package org.chainrule.samples;

import java.util.Random;
import java.util.function.UnaryOperator;
import org.chainrule.Dataset;
import org.chainrule.Graph;
import org.chainrule.Model;
import org.chainrule.Node;
import org.chainrule.Optimizer;
import org.chainrule.Predictor;
import org.chainrule.Trainer;

/** Noisy points on two concentric rings, which no straight line can separate. */
record Rings(float[] points, float[] outer) {
  private static final double INNER_RADIUS = 1;
  private static final double OUTER_RADIUS = 2;
  private static final double NOISE = 0.15;
  private static final int POINTS = 1000;
  private static final int BATCH_SIZE = 50;

  /** The accuracy on points that were not used for training, and loss and speed of the training. */
  record Result(double accuracy, Training training) {
    @Override
    public String toString() {
      return "accuracy " + Score.percent(accuracy) + ", " + training;
    }
  }

  /** Creates random points. Every second point is on the outer ring, whose target is 1. */
  static Rings of(int points, long seed) {
    Random random = new Random(seed);
    Rings rings = new Rings(new float[2 * points], new float[points]);
    for (int i = 0; i < points; ++i) {
      rings.outer[i] = i % 2;
      double radius = i % 2 == 0 ? INNER_RADIUS : OUTER_RADIUS;
      double angle = 2 * Math.PI * random.nextDouble();
      rings.points[2 * i] = (float) (radius * Math.cos(angle) + NOISE * random.nextGaussian());
      rings.points[2 * i + 1] = (float) (radius * Math.sin(angle) + NOISE * random.nextGaussian());
    }
    return rings;
  }

  /** Trains a logistic regression on features of the points. A positive logit means "outer". */
  static Result learn(String task, UnaryOperator<Node> features, Optimizer optimizer, int epochs) {
    Rings training = of(POINTS, 1);
    Rings unseen = of(POINTS, 2);
    try (Graph graph = new Graph()) {
      Node x = graph.input("point", 2);
      Node outer = graph.target("outer", 1);
      Node logit = features.apply(x).linear(1);
      Node loss = graph.binaryCrossEntropy(logit, outer);
      try (Model model = Model.create(graph, 1);
          Trainer trainer = model.trainer(loss, optimizer);
          Dataset data = Dataset.of(POINTS).with(x, training.points).with(outer, training.outer);
          Predictor predictor = model.predictor(logit)) {
        Training speed = Training.fit(task, trainer, data, BATCH_SIZE, epochs);
        float[] logits = predictor.predict(unseen.points);
        int right = 0;
        for (int i = 0; i < POINTS; ++i) {
          right += (logits[i] > 0) == (unseen.outer[i] == 1) ? 1 : 0;
        }
        return new Result((double) right / POINTS, speed);
      }
    }
  }
}
