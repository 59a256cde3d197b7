package org.chainrule.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Measures the memory bandwidth with Java arrays of 256 MiB and loops that the JVM vectorizes. A
 * copy transfers two bytes per byte of the array, a triad a = b + s c transfers three. Each thread
 * works on its own part of the arrays. The result is the best of several tries.
 */
final class Bandwidth {
  private static final int LENGTH = 1 << 26;
  private static final int MIN_TRIES = 3;
  private static final int MAX_TRIES = 50;

  private Bandwidth() {}

  static void measure(Request request, Answer answer) throws InterruptedException {
    int threads = request.threads();
    float[] a = new float[LENGTH];
    float[] b = new float[LENGTH];
    float[] c = new float[LENGTH];
    for (int i = 0; i < LENGTH; ++i) {
      b[i] = i % 1009 + 1;
      c[i] = i % 997 + 1;
    }
    int part = LENGTH / threads;
    answer.put(
        "copy_gb_s",
        best(2.0 * part, request, i -> System.arraycopy(b, i * part, a, i * part, part)));
    answer.put(
        "triad_gb_s", best(3.0 * part, request, i -> triad(a, b, c, i * part, (i + 1) * part)));
    answer.put("version", System.getProperty("java.version")).put("blas", "none");
  }

  private static void triad(float[] a, float[] b, float[] c, int begin, int end) {
    for (int i = begin; i < end; ++i) {
      a[i] = b[i] + 3 * c[i];
    }
  }

  private static double best(double floats, Request request, IntConsumer work)
      throws InterruptedException {
    long end = System.nanoTime() + Math.round(request.seconds() * 1e9);
    double best = 0;
    for (int i = 0; i < MIN_TRIES || (i < MAX_TRIES && System.nanoTime() < end); ++i) {
      double[] rates = new double[request.threads()];
      List<Thread> workers = new ArrayList<>();
      for (int t = 0; t < rates.length; ++t) {
        int index = t;
        workers.add(
            new Thread(
                () -> {
                  long before = System.nanoTime();
                  work.accept(index);
                  rates[index] = floats * Float.BYTES / (System.nanoTime() - before);
                }));
      }
      workers.forEach(Thread::start);
      for (Thread thread : workers) {
        thread.join();
      }
      // the slowest thread determines the rate
      best = Math.max(best, Arrays.stream(rates).min().orElseThrow() * rates.length);
    }
    return best;
  }
}
