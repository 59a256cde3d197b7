package org.chainrule.benchmarks.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.chainrule.benchmarks.Request;

/** What the rounds of one job have told. */
final class Measurement {
  private static final double MILLION = 1e6;
  private static final double THOUSAND = 1e3;

  private final Job job;
  private final List<Map<String, Object>> rounds = new ArrayList<>();
  private String failure;
  private boolean unsupported;

  Measurement(Job job) {
    this.job = job;
  }

  Job job() {
    return job;
  }

  /** Takes what a process told. A job that has failed once is not tried again. */
  void add(Map<String, Object> answer) {
    if (answer.get("unsupported") instanceof String) {
      unsupported = true;
    } else if (answer.get("failure") instanceof String reason) {
      failure = reason;
    } else {
      rounds.add(answer);
    }
  }

  /** Why it failed, or null. */
  String failure() {
    return failure;
  }

  /** Whether the library does not do this. */
  boolean unsupported() {
    return unsupported;
  }

  boolean succeeded() {
    return failure == null && !unsupported && !rounds.isEmpty();
  }

  /** Of a step, or of a prediction. */
  double medianMilliseconds() {
    return Statistics.median(milliseconds());
  }

  /** By round. */
  double[] milliseconds() {
    return switch (job.request().kind()) {
      case TRAINING -> rounds.stream().mapToDouble(r -> Statistics.median(samples(r))).toArray();
      case INFERENCE -> scaled("p50_us", THOUSAND);
      case COLD_START -> scaled("seconds", 1 / THOUSAND);
      case BANDWIDTH -> new double[0];
    };
  }

  private double[] scaled(String key, double divisor) {
    return rounds.stream().mapToDouble(round -> number(round, key) / divisor).toArray();
  }

  /** How much the rounds differ. */
  double spread() {
    return Statistics.spread(milliseconds());
  }

  /** How much the samples of a process differ: the median of the rounds. */
  double interquartile() {
    return Statistics.median(
        rounds.stream().mapToDouble(r -> Statistics.interquartile(samples(r))).toArray());
  }

  /** By the products' floating-point operations. */
  double gigaflops() {
    return job.request().kind() == Request.Kind.TRAINING
        ? job.request().flops() / medianMilliseconds() / MILLION
        : Double.NaN;
  }

  /** The median of the rounds. */
  double number(String key) {
    return Statistics.median(
        rounds.stream().mapToDouble(round -> number(round, key)).filter(v -> v == v).toArray());
  }

  /** As the last round told. */
  String text(String key) {
    Object value = rounds.isEmpty() ? null : rounds.get(rounds.size() - 1).get(key);
    return value instanceof String text ? text : "";
  }

  private static double number(Map<String, Object> round, String key) {
    return round.get(key) instanceof Number number ? number.doubleValue() : Double.NaN;
  }

  private static double[] samples(Map<String, Object> round) {
    return round.get("samples_ms") instanceof List<?> list
        ? list.stream().mapToDouble(value -> ((Number) value).doubleValue()).toArray()
        : new double[0];
  }
}
