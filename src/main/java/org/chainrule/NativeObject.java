package org.chainrule;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns a native object. Running calls are counted ({@link #enter}, {@link #exit}), so that {@link
 * #close} can wait for them. A cleaner frees objects that were never closed. JavaCPP's deallocators
 * are not used because they compare the memory of the whole process with the limit of the JVM's
 * heap.
 */
abstract class NativeObject implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  /** The sign bit of {@link #calls}. */
  private static final int CLOSED = Integer.MIN_VALUE;

  private final String what;
  private final AtomicInteger calls = new AtomicInteger();
  private Cleaner.Cleanable destroyer;

  NativeObject(String what) {
    Chainrule.load();
    this.what = what;
  }

  /**
   * Sets the function that frees the native object. {@code destroy} must not hold a reference to
   * this object, because the cleaner would then never run.
   */
  final void own(Runnable destroy) {
    destroyer = CLEANER.register(this, destroy);
  }

  /**
   * Begins a call. The caller must call {@link #exit} afterwards.
   *
   * @throws IllegalStateException if this object is closed
   */
  final void enter(String operation) {
    CustomOperations.refuseWithin(operation);
    if (calls.incrementAndGet() < 0) {
      exit();
      throw new IllegalStateException(operation + ": the " + what + " is closed");
    }
  }

  /** Ends a call. */
  final void exit() {
    if (calls.decrementAndGet() == CLOSED) {
      synchronized (calls) {
        calls.notifyAll();
      }
    }
    // the cleaner must not free the native object while a call uses it
    Reference.reachabilityFence(this);
  }

  /**
   * Frees the native memory. Waits for calls that run in other threads. Later calls throw {@link
   * IllegalStateException}. Closing a closed object does nothing.
   *
   * @throws IllegalStateException if this method is called within a custom operation, because it
   *     would wait for the call that runs the operation
   */
  @Override
  public void close() {
    CustomOperations.refuseWithin("close");
    int before;
    do {
      before = calls.get();
      if (before < 0) {
        return;
      }
    } while (!calls.compareAndSet(before, before | CLOSED));
    boolean interrupted = false;
    synchronized (calls) {
      while (calls.get() != CLOSED) {
        try {
          calls.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    destroyer.clean();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
