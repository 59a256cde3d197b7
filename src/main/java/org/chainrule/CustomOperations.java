package org.chainrule;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.DoublePointer;
import org.chainrule.binding.CustomHost;
import org.chainrule.binding.Native;

/**
 * The registry through which the core calls custom operations. One native callback serves all
 * operations. If an operation throws, the exception is stored per thread and the callback returns
 * false. The core then unwinds with its own C++ exception, which the JNI code replaces by the
 * stored exception from {@link #takeFailure}.
 */
final class CustomOperations {
  private static final Map<Integer, CustomOperation> BY_NUMBER = new ConcurrentHashMap<>();

  /** The number of running calls in all threads. */
  private static final AtomicInteger RUNNING = new AtomicInteger();

  /** The state of one thread: its arrays, its failure, and whether it is in a call. */
  private static final class Local {
    final double[][] arrays = new double[4][0];
    Throwable failure;
    boolean running;

    double[] array(int index, int length) {
      if (arrays[index].length != length) {
        arrays[index] = new double[length];
      }
      return arrays[index];
    }

    double[] read(int index, DoublePointer from, int length) {
      double[] to = array(index, length);
      from.get(to);
      return to;
    }
  }

  private static final ThreadLocal<Local> LOCAL = ThreadLocal.withInitial(Local::new);

  /** The one callback. The static reference protects it from garbage collection. */
  private static final class Host extends CustomHost {
    static final Host INSTANCE = new Host();

    @Override
    public boolean call(
        int number,
        boolean backward,
        long count,
        DoublePointer delta,
        DoublePointer z,
        DoublePointer a,
        DoublePointer result) {
      Local local = LOCAL.get();
      try {
        RUNNING.incrementAndGet();
        local.running = true;
        compute(local, BY_NUMBER.get(number), backward, count, delta, z, a, result);
        return true;
      } catch (Throwable e) { // no exception may unwind through native frames
        local.failure = e;
        return false;
      } finally {
        local.running = false;
        RUNNING.decrementAndGet();
      }
    }

    private static void compute(
        Local local,
        CustomOperation operation,
        boolean backward,
        long count,
        DoublePointer delta,
        DoublePointer z,
        DoublePointer a,
        DoublePointer result) {
      int length = Check.size("a custom operation", count, 1);
      double[] to = local.array(0, length);
      Arrays.fill(to, Double.NaN); // elements that are not written must not keep earlier values
      double[] input = local.read(1, z, length);
      if (backward) {
        double[] output = local.read(2, a, length);
        operation.backward(local.read(3, delta, length), input, output, to);
      } else {
        operation.forward(input, to);
      }
      result.put(to);
    }
  }

  private CustomOperations() {}

  static synchronized void register(String name, CustomOperation operation) {
    Chainrule.load();
    Native.set_custom_host(Host.INSTANCE);
    BY_NUMBER.put(Native.register_custom(name), operation);
  }

  static void unregister(String name) {
    Chainrule.load();
    Native.unregister_custom(name);
  }

  /**
   * Returns and clears the exception that a custom operation threw on this thread, or null if there
   * is none. The generated JNI code calls this for every exception of the core, see
   * presets/java_exceptions.h.
   */
  static Throwable takeFailure() {
    Local local = LOCAL.get();
    Throwable failure = local.failure;
    local.failure = null;
    return failure;
  }

  /**
   * Checks that this thread is not in a custom operation, because the library is then in the middle
   * of a computation.
   *
   * @throws IllegalStateException if this thread is in a custom operation
   */
  static void refuseWithin(String operation) {
    if (RUNNING.get() > 0 && LOCAL.get().running) {
      throw new IllegalStateException(
          operation + ": a custom operation must not use the library while it is computed");
    }
  }
}
