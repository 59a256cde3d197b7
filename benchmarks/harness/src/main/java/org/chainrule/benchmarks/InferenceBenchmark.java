package org.chainrule.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.util.Statistics;

/** Measures the times of single predictions from and to arrays on the JVM's heap. */
@State(Scope.Benchmark)
public class InferenceBenchmark {
  private static final int WARM_UPS = 4;
  private static final int ITERATIONS = 4;

  private static Contender contender;
  private static Request request;
  private static double magnitude;

  private Contender.Inference inference;
  private float[] inputs;
  private float[] outputs;

  static void measure(Contender contender, Request request, Answer answer) throws Exception {
    InferenceBenchmark.contender = contender;
    InferenceBenchmark.request = request;
    Statistics nanoseconds =
        Jmh.run(InferenceBenchmark.class, Mode.SampleTime, WARM_UPS, ITERATIONS, request.seconds())
            .getPrimaryResult()
            .getStatistics();
    answer.put("p50_us", nanoseconds.getPercentile(50) * 1e-3);
    answer.put("p99_us", nanoseconds.getPercentile(99) * 1e-3);
    answer.put("magnitude", magnitude);
  }

  /** Creates the network and predicts once; the outputs are compared later. */
  @Setup
  public void open() throws Exception {
    Network network = request.network();
    int last = network.layers[network.layers.length - 1];
    inputs = network.inputs;
    outputs = new float[request.batchSize() * last];
    inference = contender.infer(network, request.batchSize(), request.threads());
    inference.predict(inputs, outputs);
    double sum = 0;
    for (float output : outputs) {
      sum += Math.abs(output);
    }
    magnitude = sum / outputs.length;
  }

  /** Computes one prediction. */
  @Benchmark
  public void predict() {
    inference.predict(inputs, outputs);
  }

  /** Frees the network. */
  @TearDown
  public void close() {
    inference.close();
  }
}
