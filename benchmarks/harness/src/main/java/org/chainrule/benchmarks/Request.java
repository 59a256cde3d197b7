package org.chainrule.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What one process is to measure: made by the runner, written on the process's command line, and
 * read there.
 *
 * @param batchSize samples a step, or a prediction
 * @param layers sizes of input, hidden layers and output
 * @param seconds how long to warm up, and then how long to measure
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

  /** Training a workload. */
  public static Request training(
      Workload workload, Workload.Optimizer optimizer, int threads, double seconds) {
    return of(Kind.TRAINING, workload, workload.batchSize, optimizer, threads, seconds);
  }

  /** Anything with a workload's network. */
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

  /** The network with its parameters and its batch. */
  public Network network() {
    return Network.of(activation, loss, batchSize, sizes());
  }

  /** Floating-point operations of a training step's products, without making the network. */
  public double flops() {
    return Network.flops(batchSize, sizes());
  }

  private int[] sizes() {
    return layers.stream().mapToInt(Integer::intValue).toArray();
  }

  /** The layers' sizes with the batch size: 784-128-10 x 64. */
  public String shape() {
    return String.join("-", layers.stream().map(String::valueOf).toList()) + " x " + batchSize;
  }

  /** The learning rate: small enough for all workloads, and for losses that can be compared. */
  public float learningRate() {
    return switch (optimizer) {
      case SGD -> 0.01f;
      case MOMENTUM -> 0.001f;
      case ADAM -> 0.0001f;
    };
  }

  /** For {@link #parse}. */
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

  /** Reads what {@link #arguments} wrote. */
  static Request parse(String[] arguments) {
    if (arguments.length != 8) {
      throw new IllegalArgumentException(
          "Request: expected 8 arguments, but came " + arguments.length);
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
