package org.chainrule.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs one benchmark in this process, which has no other task. One thread of JMH calls all methods
 * of the benchmark, including the set-up, because some libraries have settings per thread.
 */
final class Jmh {
  private Jmh() {}

  /**
   * Runs the benchmark.
   *
   * @param warmUps the number of warm-up iterations; the JVM recompiles the loop after the first
   *     ones
   * @param seconds the total time of the warm-up iterations, and also that of the measured
   *     iterations
   */
  static RunResult run(Class<?> benchmark, Mode mode, int warmUps, int iterations, double seconds)
      throws RunnerException {
    System.setProperty("jmh.ignoreLock", "true");
    return new Runner(
            new OptionsBuilder()
                .include(benchmark.getName() + "\\.")
                .mode(mode)
                .timeUnit(TimeUnit.NANOSECONDS)
                .forks(0)
                .threads(1)
                .syncIterations(false)
                .warmupIterations(warmUps)
                .warmupTime(time(seconds / warmUps))
                .measurementIterations(iterations)
                .measurementTime(time(seconds / iterations))
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .runSingle();
  }

  private static TimeValue time(double seconds) {
    return TimeValue.microseconds(Math.max(1000, Math.round(seconds * 1e6)));
  }
}
