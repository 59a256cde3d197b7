package org.chainrule.benchmarks.runner;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures, one process at a time, in rounds over all jobs that will be compared; remembers what it
 * has measured.
 */
final class Lab {
  private final Child child;
  private final Map<Job.Key, Measurement> known = new HashMap<>();

  Lab(Child child) {
    this.child = child;
  }

  /** Measures those jobs that have not been measured yet. */
  void measure(List<Job> jobs, int rounds) throws InterruptedException {
    List<Measurement> open =
        jobs.stream()
            .filter(job -> !known.containsKey(job.key()))
            .map(
                job -> {
                  Measurement measurement = new Measurement(job);
                  known.put(job.key(), measurement);
                  return measurement;
                })
            .toList();
    for (int round = 1; round <= rounds; ++round) {
      for (Measurement measurement : open) {
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
      return "the library does not do this";
    } else if (measurement.failure() != null) {
      return "failed: " + measurement.failure();
    }
    double[] all = measurement.milliseconds();
    return all.length == 0 ? "done" : Format.number(all[all.length - 1]) + " ms";
  }

  /** What is known of a job that has been measured. */
  Measurement of(Job job) {
    return known.get(job.key());
  }
}
