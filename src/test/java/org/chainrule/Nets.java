package org.chainrule;

import java.util.Random;

/** Small networks and data for several tests. */
final class Nets {
  private Nets() {}

  /** Returns a classifier with the nodes x, label, logits and loss. */
  static Graph classifier(int features, int classes, int... hidden) {
    Graph graph = new Graph();
    Node a = graph.input("x", features);
    Node label = graph.label("label", classes);
    for (int width : hidden) {
      a = a.linear(width, Initializer.heNormal()).relu();
    }
    Node logits = a.linear(classes, "logits");
    graph.softmaxCrossEntropy(logits, label).named("loss");
    return graph;
  }

  static float[] floats(long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; ++i) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  static double[] doubles(long seed, int count) {
    return new Random(seed).doubles(count, -1, 1).toArray();
  }

  static int[] labels(long seed, int count, int classes) {
    return new Random(seed).ints(count, 0, classes).toArray();
  }

  static double[] toDoubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; ++i) {
      result[i] = values[i];
    }
    return result;
  }

  /** Returns a batch for a classifier. */
  static Batch batch(long seed, int size, int features, int classes) {
    return new Batch(size)
        .set("x", floats(seed, size * features))
        .set("label", labels(seed, size, classes));
  }

  /** Returns a data set for a classifier. */
  static Dataset dataset(long seed, int size, int features, int classes) {
    return Dataset.of(size)
        .with("x", floats(seed, size * features))
        .with("label", labels(seed, size, classes));
  }

  /** Returns the values of all parameters, in the order of {@link Model#parameters()}. */
  static double[][] parameters(Model model) {
    return model.parameters().stream().map(model::getDoubles).toArray(double[][]::new);
  }
}
