package org.chainrule;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Owns something native. A call is counted while it runs ({@link #enter}, {@link #exit}), so that
 * closing waits for it; a leaked object is freed by a cleaner of ours. JavaCPP's deallocators are
 * not used: they hold the process's memory against the heap's limit.
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

  /** Says how to free it. {@code destroy} must not hold this object. */
  final void own(Runnable destroy) {
    destroyer = CLEANER.register(this, destroy);
  }

  /**
   * Begins a call; {@link #exit} must follow.
   *
   * @throws IllegalStateException if this is closed
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
    // nobody may clean this while its native part is in use
    Reference.reachabilityFence(this);
  }

  /**
   * Frees the native memory. Waits for calls that are running in other threads; later ones get an
   * {@link IllegalStateException}. Closing again does nothing.
   *
   * @throws IllegalStateException within a custom operation, whose own call it would wait for
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
