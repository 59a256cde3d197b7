package org.chainrule.benchmarks;

import java.util.Arrays;
import java.util.Random;

/**
 * The sizes of a network, its initial parameters and one batch. All libraries get the same numbers,
 * so their losses can be compared.
 */
public final class Network {
  public final Workload.Activation activation;
  public final Workload.Loss loss;
  public final int batchSize;

  /** The sizes of the input, the hidden layers and the output. */
  public final int[] layers;

  /** Per layer, [out][in], normal with the variance 2 / in for ReLU and 1 / in for sigmoid. */
  public final float[][] weights;

  /** Per layer, [out], zeros. */
  public final float[][] biases;

  /** [sample][feature], standard normal. */
  public final float[] inputs;

  /** [sample][output], standard normal; null for a classification. */
  public final float[] targets;

  /** One class per sample; null for a regression. */
  public final int[] labels;

  private Network(Workload.Activation activation, Workload.Loss loss, int batchSize, int[] layers) {
    this.activation = activation;
    this.loss = loss;
    this.batchSize = batchSize;
    this.layers = layers;
    Random random = new Random(1);
    int depth = layers.length - 1;
    weights = new float[depth][];
    biases = new float[depth][];
    double variance = activation == Workload.Activation.RELU ? 2 : 1;
    for (int i = 0; i < depth; ++i) {
      weights[i] = normal(random, layers[i + 1] * layers[i], Math.sqrt(variance / layers[i]));
      biases[i] = new float[layers[i + 1]];
    }
    inputs = normal(random, batchSize * layers[0], 1);
    boolean classes = loss == Workload.Loss.SOFTMAX_CROSS_ENTROPY;
    targets = classes ? null : normal(random, batchSize * layers[depth], 1);
    labels = classes ? random.ints(batchSize, 0, layers[depth]).toArray() : null;
  }

  /** Returns the network of a workload. */
  public static Network of(Workload workload) {
    return new Network(workload.activation, workload.loss, workload.batchSize, workload.layers());
  }

  /** Returns a network of other sizes, to measure how the time grows. */
  public static Network of(
      Workload.Activation activation, Workload.Loss loss, int batchSize, int... layers) {
    return new Network(activation, loss, batchSize, layers.clone());
  }

  /**
   * Returns the floating-point operations of the products of a training step. The δ of the input is
   * not computed.
   */
  public double flops() {
    return flops(batchSize, layers);
  }

  static double flops(int batchSize, int... layers) {
    double sum = 0;
    for (int i = 0; i + 1 < layers.length; ++i) {
      sum += (i == 0 ? 4.0 : 6.0) * layers[i] * layers[i + 1] * batchSize;
    }
    return sum;
  }

  private static float[] normal(Random random, int count, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; ++i) {
      values[i] = (float) (deviation * random.nextGaussian());
    }
    return values;
  }

  @Override
  public String toString() {
    return Arrays.toString(layers) + " batch " + batchSize;
  }
}
