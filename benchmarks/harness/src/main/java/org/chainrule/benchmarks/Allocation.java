package org.chainrule.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

/**
 * The memory that a step allocates.
 *
 * @param javaBytes bytes that all threads allocate on the JVM's heap
 * @param nativeAllocations native allocations, or NaN if the library does not report them
 */
record Allocation(double javaBytes, double nativeAllocations) {
  private static final int MIN_CALLS = 3;
  private static final int MAX_CALLS = 1000;

  static Allocation of(Contender contender, Contender.Training training, double seconds) {
    // allocated() itself allocates; the measurement without a step is subtracted
    long first = allocated();
    long before = allocated();
    long overhead = before - first;
    long nativeBefore = contender.nativeAllocations();
    long end = System.nanoTime() + Math.round(seconds * 1e9);
    int calls = 0;
    while (calls < MIN_CALLS || (calls < MAX_CALLS && System.nanoTime() < end)) {
      training.step();
      ++calls;
    }
    long nativeAfter = contender.nativeAllocations();
    double steps = (double) calls * training.stepsPerCall();
    double bytes = Math.max(0, allocated() - before - overhead) / steps;
    return new Allocation(
        bytes, nativeBefore < 0 ? Double.NaN : (nativeAfter - nativeBefore) / steps);
  }

  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
        .filter(bytes -> bytes > 0)
        .sum();
  }
}
