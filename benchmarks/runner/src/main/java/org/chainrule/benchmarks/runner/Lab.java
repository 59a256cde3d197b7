package org.chainrule.benchmarks.runner;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures jobs one process at a time, in rounds over all jobs that will be compared. Caches the
 * measurements.
 */
final class Lab {
  private final Child child;
  private final Map<Job.Key, Measurement> measured = new HashMap<>();

  Lab(Child child) {
    this.child = child;
  }

  /** Measures the jobs that have not been measured yet. */
  void measure(List<Job> jobs, int rounds) throws InterruptedException {
    List<Measurement> pending =
        jobs.stream()
            .filter(job -> !measured.containsKey(job.key()))
            .map(
                job -> {
                  Measurement measurement = new Measurement(job);
                  measured.put(job.key(), measurement);
                  return measurement;
                })
            .toList();
    for (int round = 1; round <= rounds; ++round) {
      for (Measurement measurement : pending) {
        if (measurement.failure() == null && !measurement.unsupported()) {
          measurement.add(child.run(measurement.job()));
          System.err.printf(
              Locale.ROOT,
              "  round %d of %d: %s: %s%n",
              round,
              rounds,
              measurement.job(),
              progress(measurement));
        }
      }
    }
  }

  private static String progress(Measurement measurement) {
    if (measurement.unsupported()) {
      return "not supported by the library";
    } else if (measurement.failure() != null) {
      return "failed: " + measurement.failure();
    }
    double[] all = measurement.milliseconds();
    return all.length == 0 ? "done" : Format.number(all[all.length - 1]) + " ms";
  }

  /** Returns the measurement of a job, or null if it has not been measured. */
  Measurement of(Job job) {
    return measured.get(job.key());
  }
}
