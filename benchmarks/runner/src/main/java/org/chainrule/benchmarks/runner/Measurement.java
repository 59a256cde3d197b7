package org.chainrule.benchmarks.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.chainrule.benchmarks.Request;

/** The results of all rounds of one job. */
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

  /** Adds the answer of a process. A job that has failed once is not measured again. */
  void add(Map<String, Object> answer) {
    if (answer.get("unsupported") instanceof String) {
      unsupported = true;
    } else if (answer.get("failure") instanceof String reason) {
      failure = reason;
    } else {
      rounds.add(answer);
    }
  }

  /** Returns the reason of the failure, or null. */
  String failure() {
    return failure;
  }

  /** Returns true if the library does not support this. */
  boolean unsupported() {
    return unsupported;
  }

  boolean succeeded() {
    return failure == null && !unsupported && !rounds.isEmpty();
  }

  /** Returns the median time of a step or of a prediction. */
  double medianMilliseconds() {
    return Statistics.median(milliseconds());
  }

  /** Returns one time per round. */
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

  /** Returns the spread of the rounds. */
  double spread() {
    return Statistics.spread(milliseconds());
  }

  /**
   * Returns the relative interquartile range of a process's samples: the median over the rounds.
   */
  double interquartile() {
    return Statistics.median(
        rounds.stream().mapToDouble(r -> Statistics.interquartile(samples(r))).toArray());
  }

  /** Returns GFLOP/s by the floating-point operations of the products. */
  double gigaflops() {
    return job.request().kind() == Request.Kind.TRAINING
        ? job.request().flops() / medianMilliseconds() / MILLION
        : Double.NaN;
  }

  /** Returns the median of a number over the rounds. */
  double number(String key) {
    return Statistics.median(
        rounds.stream().mapToDouble(round -> number(round, key)).filter(v -> v == v).toArray());
  }

  /** Returns a text of the last round. */
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
