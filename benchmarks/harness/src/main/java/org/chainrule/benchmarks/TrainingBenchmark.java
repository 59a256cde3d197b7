package org.chainrule.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;

/** Measures training steps: their time, the loss after some steps and the memory allocated. */
@State(Scope.Benchmark)
public class TrainingBenchmark {
  private static final int LOSS_STEPS = 20;
  private static final int WARM_UPS = 10;
  private static final int SAMPLES = 20;

  /** Workloads with more floating-point operations per step run fewer steps. */
  private static final double LARGE = 1e10;

  private static final int LARGE_COUNT = 5;
  private static final int LARGE_WARM_UPS = 2;

  private static Contender contender;
  private static Request request;
  private static double loss;
  private static Allocation allocation;
  private static int stepsPerCall;

  private Contender.Training training;

  static void measure(Contender contender, Request request, Answer answer) throws Exception {
    TrainingBenchmark.contender = contender;
    TrainingBenchmark.request = request;
    boolean large = request.flops() > LARGE;
    RunResult result =
        Jmh.run(
            TrainingBenchmark.class,
            Mode.AverageTime,
            large ? LARGE_WARM_UPS : WARM_UPS,
            large ? LARGE_COUNT : SAMPLES,
            request.seconds());
    answer.put(
        "samples_ms",
        result.getAggregatedResult().getIterationResults().stream()
            .map(IterationResult::getPrimaryResult)
            .mapToDouble(sample -> sample.getScore() * 1e-6 / stepsPerCall)
            .toArray());
    answer.put("loss", loss);
    answer.put("java_bytes_per_step", allocation.javaBytes());
    answer.put("native_allocations_per_step", allocation.nativeAllocations());
  }

  /** Creates the network and runs some steps to get its loss. */
  @Setup
  public void open() throws Exception {
    training =
        contender.train(
            request.network(), request.optimizer(), request.learningRate(), request.threads());
    stepsPerCall = training.stepsPerCall();
    int steps = request.flops() > LARGE ? LARGE_COUNT : LOSS_STEPS;
    for (int done = 0; done < steps; done += stepsPerCall) {
      training.step();
    }
    loss = training.loss();
  }

  /** Runs one step, or as many steps as the library runs per call. */
  @Benchmark
  public void step() {
    training.step();
  }

  /** Measures the allocated memory after the warm-up. */
  @TearDown
  public void close() {
    allocation = Allocation.of(contender, training, request.seconds() / 4);
    training.close();
  }
}
