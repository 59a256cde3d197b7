package org.chainrule.benchmarks;

import java.time.Duration;
import java.time.Instant;
import java.util.ServiceLoader;

/** The measuring process: it measures one request with one library and prints one line of JSON. */
public final class Measured {
  /** The property with the time at which the runner started this process, an {@link Instant}. */
  public static final String STARTED = "chainrule.benchmark.started";

  private Measured() {}

  /**
   * Measures one request.
   *
   * @param arguments the arguments of a {@link Request}
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
    // some libraries leave threads running that would keep the process alive
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

  /**
   * Measures the time from the start of the process to the end of the first step, without the time
   * to create the random numbers.
   */
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

  /** Returns the original exception. JMH wraps it or adds it as a suppressed exception. */
  private static Throwable root(Throwable e) {
    Throwable[] suppressed = e.getSuppressed();
    Throwable next = e.getCause() != null || suppressed.length == 0 ? e.getCause() : suppressed[0];
    return next == null || e instanceof UnsupportedOperationException ? e : root(next);
  }
}
