package org.chainrule.benchmarks;

import java.time.Duration;
import java.time.Instant;
import java.util.ServiceLoader;

/** The process that measures: one library, one request, one line of JSON. */
public final class Measured {
  /** When the runner started this process, as an {@link Instant}. */
  public static final String STARTED = "chainrule.benchmark.started";

  private Measured() {}

  /**
   * Measures.
   *
   * @param arguments of a {@link Request}
   */
  public static void main(String[] arguments) {
    Answer answer = new Answer();
    try {
      Request request = Request.parse(arguments);
      if (request.kind() == Request.Kind.BANDWIDTH) {
        Bandwidth.measure(request, answer);
      } else {
        measure(request, answer);
      }
    } catch (Throwable e) {
      Throwable root = root(e);
      answer =
          new Answer()
              .put(
                  root instanceof UnsupportedOperationException ? "unsupported" : "failure",
                  root.getMessage() == null ? root.toString() : root.getMessage());
      e.printStackTrace();
    }
    System.out.println();
    System.out.println(answer);
    System.out.flush();
    // some libraries leave threads behind that would keep the process alive
    Runtime.getRuntime().halt(0);
  }

  private static void measure(Request request, Answer answer) throws Exception {
    Contender contender =
        ServiceLoader.load(Contender.class)
            .findFirst()
            .orElseThrow(
                () ->
                    new IllegalStateException("no library with a Contender is on the class path"));
    switch (request.kind()) {
      case TRAINING -> TrainingBenchmark.measure(contender, request, answer);
      case INFERENCE -> InferenceBenchmark.measure(contender, request, answer);
      default -> coldStart(contender, request, answer);
    }
    answer.put("version", contender.version()).put("blas", contender.blas());
  }

  /** From the start of the process to the end of the first step, without the making of numbers. */
  private static void coldStart(Contender contender, Request request, Answer answer)
      throws Exception {
    Instant started = Instant.parse(System.getProperty(STARTED));
    Instant before = Instant.now();
    Network network = request.network();
    Duration numbers = Duration.between(before, Instant.now());
    try (Contender.Training training =
        contender.train(network, request.optimizer(), request.learningRate(), request.threads())) {
      training.step();
      Duration all = Duration.between(started, Instant.now());
      answer.put("seconds", all.minus(numbers).toNanos() * 1e-9);
    }
  }

  /** What really happened: JMH wraps it, and puts what its threads threw beside that. */
  private static Throwable root(Throwable e) {
    Throwable[] suppressed = e.getSuppressed();
    Throwable next = e.getCause() != null || suppressed.length == 0 ? e.getCause() : suppressed[0];
    return next == null || e instanceof UnsupportedOperationException ? e : root(next);
  }
}
