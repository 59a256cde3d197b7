package org.chainrule;

import java.util.concurrent.atomic.AtomicReference;

/**
 * Allows one thread at a time to use an object. The thread that uses it may begin further, nested
 * uses.
 */
final class SingleCaller {
  private final String what;
  private final AtomicReference<Thread> owner = new AtomicReference<>();
  private int depth;

  SingleCaller(String what) {
    this.what = what;
  }

  /**
   * Begins a use. The caller must call {@link #release} afterwards.
   *
   * @throws IllegalStateException if another thread is using the object
   */
  void acquire(String operation) {
    if (!isMine() && !owner.compareAndSet(null, Thread.currentThread())) {
      throw new IllegalStateException(
          operation + ": another thread is using this " + what + "; expected one thread at a time");
    }
    ++depth;
  }

  /** Ends a use. */
  void release() {
    if (--depth == 0) {
      owner.set(null);
    }
  }

  /** Returns true if the calling thread is using the object. */
  boolean isMine() {
    return owner.get() == Thread.currentThread();
  }
}
