package org.chainrule.benchmarks.runner;

import org.chainrule.benchmarks.Request;

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

  @Override
  public String toString() {
    String optimizer = request.optimizer().name().toLowerCase();
    return String.format(
        "%s %s %s, threads %d%s, %s",
        request.kind().name().toLowerCase().replace('_', ' '),
        workload,
        optimizer,
        request.threads(),
        busy ? ", a core busy" : "",
        variant);
  }
}
