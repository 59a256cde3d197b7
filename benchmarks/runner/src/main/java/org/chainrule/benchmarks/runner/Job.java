package org.chainrule.benchmarks.runner;

import java.util.Locale;
import org.chainrule.benchmarks.Request;
import org.chainrule.benchmarks.Workload;

/**
 * One measurement of one variant. Equal jobs of two sections are measured once.
 *
 * @param workload the name of the workload in tables
 * @param busy true if another process keeps a core busy
 */
record Job(Variant variant, String workload, Request request, boolean busy) {
  /** Identifies a measurement. The name of the network is not part of it. */
  record Key(Variant variant, Request request, boolean busy) {}

  Key key() {
    return new Key(variant, request, busy);
  }

  /** Identifies jobs whose results can be compared with each other. */
  record Contest(String workload, Request request, boolean busy) {}

  Contest contest() {
    return new Contest(workload, request, busy);
  }

  /** Returns the same job without a busy core. */
  Job quiet() {
    return new Job(variant, workload, request, false);
  }

  /** Returns a short description of the computation, such as "mnist-m, adam". */
  String place() {
    return workload
        + (request.optimizer() == Workload.Optimizer.SGD ? "" : ", " + lower(request.optimizer()))
        + (request.kind() == Request.Kind.INFERENCE ? " x " + request.batchSize() : "");
  }

  /** Returns the name of a constant in lower case with hyphens. */
  static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public String toString() {
    return String.format(
        "%s, %s, threads %d%s, %s",
        lower(request.kind()), place(), request.threads(), busy ? ", a core busy" : "", variant);
  }
}
