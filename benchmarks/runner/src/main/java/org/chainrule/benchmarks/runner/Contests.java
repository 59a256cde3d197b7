package org.chainrule.benchmarks.runner;

import java.util.List;
import java.util.stream.Stream;
import org.chainrule.benchmarks.Request;
import org.chainrule.benchmarks.Workload;

/** The results of a section's jobs and their ratios to those that they are compared with. */
final class Contests {
  private final Lab lab;
  private final List<Job> jobs;

  Contests(Lab lab, List<Job> jobs) {
    this.lab = lab;
    this.jobs = jobs;
  }

  /**
   * Returns all jobs except those that a library does not support. The jobs have the names of this
   * section; another section may have measured them under another name.
   */
  Stream<Job> jobs() {
    return jobs.stream().filter(job -> lab.of(job) != null && !lab.of(job).unsupported());
  }

  Measurement of(Job job) {
    return lab.of(job);
  }

  /** Returns the floors that were measured. Each is a column. */
  List<Variant> floors() {
    return Variant.ALL.stream()
        .filter(variant -> variant.role() == Variant.Role.FLOOR)
        .filter(variant -> jobs.stream().anyMatch(job -> Double.isFinite(floor(job, variant))))
        .toList();
  }

  /** Returns the time divided by that of the fastest variant of any peer. */
  double toBestPeer(Job job) {
    double best =
        jobs.stream()
            .filter(other -> other.contest().equals(job.contest()))
            .filter(other -> other.variant().role() == Variant.Role.PEER)
            .mapToDouble(this::milliseconds)
            .filter(Double::isFinite)
            .min()
            .orElse(Double.NaN);
    return milliseconds(job) / best;
  }

  /** Returns the time divided by that of the matrix products alone. */
  double toFloor(Job job, Variant floor) {
    return milliseconds(job) / floor(job, floor);
  }

  /** Returns the median time, or NaN if the job was not measured. */
  double milliseconds(Job job) {
    Measurement measurement = lab.of(job);
    return measurement == null || !measurement.succeeded()
        ? Double.NaN
        : measurement.medianMilliseconds();
  }

  /**
   * Returns the time of the floor with SGD, because the products do not depend on the optimizer.
   */
  private double floor(Job job, Variant floor) {
    Request r = job.request();
    Request plain =
        new Request(
            r.kind(),
            r.activation(),
            r.loss(),
            r.batchSize(),
            r.layers(),
            Workload.Optimizer.SGD,
            r.threads(),
            r.seconds());
    return milliseconds(new Job(floor, job.workload(), plain, false));
  }
}
