package org.chainrule.benchmarks.runner;

import java.util.Locale;
import org.chainrule.benchmarks.Request;
import org.chainrule.benchmarks.Workload;

/**
 * One thing to measure with one variant. Equal jobs of two sections are measured once.
 *
 * @param workload the name in tables
 * @param busy whether another process keeps a core busy
 */
record Job(Variant variant, String workload, Request request, boolean busy) {
  /** What makes two jobs the same measurement: the network's name does not matter. */
  record Key(Variant variant, Request request, boolean busy) {}

  Key key() {
    return new Key(variant, request, busy);
  }

  /** Jobs whose figures can be compared with each other. */
  record Contest(String workload, Request request, boolean busy) {}

  Contest contest() {
    return new Contest(workload, request, busy);
  }

  /** The same with nothing else on the machine. */
  Job quiet() {
    return new Job(variant, workload, request, false);
  }

  /** What is computed, in few words: mnist-m, adam. */
  String place() {
    return workload
        + (request.optimizer() == Workload.Optimizer.SGD ? "" : ", " + lower(request.optimizer()))
        + (request.kind() == Request.Kind.INFERENCE ? " x " + request.batchSize() : "");
  }

  /** The name of a constant, as it is written elsewhere. */
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
