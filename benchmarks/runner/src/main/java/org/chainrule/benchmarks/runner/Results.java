package org.chainrule.benchmarks.runner;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.chainrule.benchmarks.Request;

/** Writes measurements for other programs. */
final class Results {
  private static final int DIGITS = 6;

  private Results() {}

  /** Returns one object of results.json. */
  static Map<String, Object> fields(Section section, Job job, Measurement measurement) {
    Request request = job.request();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("section", section.label());
    fields.put("kind", Job.lower(request.kind()));
    fields.put("workload", job.workload());
    fields.put("library", job.variant().name());
    fields.put("family", job.variant().library());
    fields.put("version", measurement.text("version"));
    fields.put("blas", measurement.text("blas"));
    fields.put("network", request.shape());
    fields.put("batch", request.batchSize());
    fields.put("optimizer", Job.lower(request.optimizer()));
    fields.put("threads", request.threads());
    fields.put("busy_core", job.busy());
    if (measurement.failure() != null) {
      fields.put("failure", measurement.failure());
      return fields;
    }
    fields.put("median_ms", measurement.medianMilliseconds());
    fields.put("spread", measurement.spread());
    fields.put("interquartile", measurement.interquartile());
    fields.put("gflops", measurement.gigaflops());
    fields.put(
        "rounds_ms",
        Arrays.stream(measurement.milliseconds())
            .mapToObj(value -> String.format(Locale.ROOT, "%." + DIGITS + "g", value))
            .collect(Collectors.joining(" ")));
    for (String key :
        new String[] {
          "p50_us",
          "p99_us",
          "loss",
          "magnitude",
          "java_bytes_per_step",
          "native_allocations_per_step",
          "copy_gb_s",
          "triad_gb_s"
        }) {
      fields.put(key, measurement.number(key));
    }
    return fields;
  }
}
