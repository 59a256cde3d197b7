package org.chainrule.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The measurement of one process. The runner creates it and writes it to the process's command
 * line; the process parses it.
 *
 * @param batchSize samples per step or per prediction
 * @param layers the sizes of the input, the hidden layers and the output
 * @param seconds the duration of the warm-up, and also that of the measurement
 */
public record Request(
    Kind kind,
    Workload.Activation activation,
    Workload.Loss loss,
    int batchSize,
    List<Integer> layers,
    Workload.Optimizer optimizer,
    int threads,
    double seconds) {
  /** The modes of the process. */
  public enum Kind {
    TRAINING,
    INFERENCE,
    COLD_START,
    BANDWIDTH
  }

  /** Returns a request to train a workload. */
  public static Request training(
      Workload workload, Workload.Optimizer optimizer, int threads, double seconds) {
    return of(Kind.TRAINING, workload, workload.batchSize, optimizer, threads, seconds);
  }

  /** Returns a request of any kind with the network of a workload. */
  public static Request of(
      Kind kind,
      Workload workload,
      int batchSize,
      Workload.Optimizer optimizer,
      int threads,
      double seconds) {
    return new Request(
        kind,
        workload.activation,
        workload.loss,
        batchSize,
        Arrays.stream(workload.layers()).boxed().toList(),
        optimizer,
        threads,
        seconds);
  }

  /** Creates the network with its parameters and its batch. */
  public Network network() {
    return Network.of(activation, loss, batchSize, sizes());
  }

  /** Returns the floating-point operations of the products of a training step. */
  public double flops() {
    return Network.flops(batchSize, sizes());
  }

  private int[] sizes() {
    return layers.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Returns the sizes of the layers and the batch size, such as 784-128-10 x 64. */
  public String shape() {
    return String.join("-", layers.stream().map(String::valueOf).toList()) + " x " + batchSize;
  }

  /** Returns a learning rate at which all workloads train stably, so that losses are comparable. */
  public float learningRate() {
    return switch (optimizer) {
      case SGD -> 0.01f;
      case MOMENTUM -> 0.001f;
      case ADAM -> 0.0001f;
    };
  }

  /** Returns the arguments for {@link #parse}. */
  public List<String> arguments() {
    return List.of(
        kind.name(),
        activation.name(),
        loss.name(),
        String.valueOf(batchSize),
        String.join("-", layers.stream().map(String::valueOf).toList()),
        optimizer.name(),
        String.valueOf(threads),
        String.format(Locale.ROOT, "%.6f", seconds));
  }

  /** Parses the result of {@link #arguments}. */
  static Request parse(String[] arguments) {
    if (arguments.length != 8) {
      throw new IllegalArgumentException(
          "Request: expected 8 arguments, but got " + arguments.length);
    }
    List<Integer> layers = new ArrayList<>();
    for (String size : arguments[4].split("-")) {
      layers.add(Integer.valueOf(size));
    }
    return new Request(
        Kind.valueOf(arguments[0]),
        Workload.Activation.valueOf(arguments[1]),
        Workload.Loss.valueOf(arguments[2]),
        Integer.parseInt(arguments[3]),
        List.copyOf(layers),
        Workload.Optimizer.valueOf(arguments[5]),
        Integer.parseInt(arguments[6]),
        Double.parseDouble(arguments[7]));
  }
}
