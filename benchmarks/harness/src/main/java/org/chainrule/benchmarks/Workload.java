package org.chainrule.benchmarks;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The networks that every library trains: fully connected layers with biases, in float. */
public enum Workload {
  TINY(32, Activation.SIGMOID, Loss.SOFTMAX_CROSS_ENTROPY, 2, 8, 8, 2),
  MNIST_S(64, Activation.RELU, Loss.SOFTMAX_CROSS_ENTROPY, 784, 128, 10),
  MNIST_M(128, Activation.RELU, Loss.SOFTMAX_CROSS_ENTROPY, 784, 512, 256, 10),
  WIDE(256, Activation.RELU, Loss.SOFTMAX_CROSS_ENTROPY, 1024, 2048, 2048, 1000),
  ALEX_FC(128, Activation.RELU, Loss.SOFTMAX_CROSS_ENTROPY, 9216, 4096, 4096, 1000),
  DEEP(
      64,
      Activation.SIGMOID,
      Loss.MEAN_SQUARED_ERROR,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256,
      256),
  REGRESS(1024, Activation.RELU, Loss.MEAN_SQUARED_ERROR, 64, 1),
  SKINNY(65536, Activation.RELU, Loss.MEAN_SQUARED_ERROR, 32, 32, 32, 1);

  /** The activation after every layer except the last. */
  public enum Activation {
    SIGMOID,
    RELU
  }

  /** The loss, averaged over the batch (and, for the squared error, over the outputs). */
  public enum Loss {
    SOFTMAX_CROSS_ENTROPY,
    MEAN_SQUARED_ERROR
  }

  /**
   * The optimizer of the training step: plain SGD, SGD with momentum 0.9, or Adam with the usual
   * settings.
   */
  public enum Optimizer {
    SGD,
    MOMENTUM,
    ADAM
  }

  /** The samples per step. */
  public final int batchSize;

  public final Activation activation;
  public final Loss loss;
  private final int[] layers;

  Workload(int batchSize, Activation activation, Loss loss, int... layers) {
    this.batchSize = batchSize;
    this.activation = activation;
    this.loss = loss;
    this.layers = layers;
  }

  /** Returns the name in tables, such as mnist-s. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Returns the workload of this name.
   *
   * @param label the name as in tables
   * @throws IllegalArgumentException if there is none; the message lists the valid names
   */
  public static Workload of(String label) {
    return Stream.of(values())
        .filter(workload -> workload.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "expected one of "
                        + Stream.of(values()).map(Workload::label).collect(Collectors.joining(", "))
                        + ", but got '"
                        + label
                        + "'."));
  }

  /** Returns the sizes of the input, the hidden layers and the output. */
  public int[] layers() {
    return layers.clone();
  }
}
