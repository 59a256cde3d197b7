package org.chainrule.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

/**
 * Memory allocated by a step.
 *
 * @param javaBytes on the heap, by all threads
 * @param nativeAllocations calls for native memory, or NaN if the library cannot tell
 */
record Allocation(double javaBytes, double nativeAllocations) {
  private static final int LEAST_CALLS = 3;
  private static final int MOST_CALLS = 1000;

  static Allocation of(Contender contender, Contender.Training training, double seconds) {
    // asking allocates as well: what an empty stretch shows is taken off
    long first = allocated();
    long before = allocated();
    long own = before - first;
    long nativeBefore = contender.nativeAllocations();
    long end = System.nanoTime() + Math.round(seconds * 1e9);
    int calls = 0;
    while (calls < LEAST_CALLS || (calls < MOST_CALLS && System.nanoTime() < end)) {
      training.step();
      ++calls;
    }
    long nativeAfter = contender.nativeAllocations();
    double steps = (double) calls * training.stepsPerCall();
    double bytes = Math.max(0, allocated() - before - own) / steps;
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
