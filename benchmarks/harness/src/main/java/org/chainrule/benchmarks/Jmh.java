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
 * Runs one benchmark in this process, which exists for nothing else. One thread of JMH's calls all
 * of the benchmark's methods, set-up included: some libraries keep settings by thread.
 */
final class Jmh {
  private Jmh() {}

  /**
   * Runs.
   *
   * @param warmUps how many stretches of warming up: the JVM compiles the loop of the first ones
   *     anew for those that follow
   * @param seconds of all stretches of warming up, and then of all iterations
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
