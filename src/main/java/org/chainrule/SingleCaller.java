package org.chainrule;

import java.util.concurrent.atomic.AtomicReference;

/** Lets one thread at a time use an object, and that thread as often within itself as it wants. */
final class SingleCaller {
  private final String what;
  private final AtomicReference<Thread> owner = new AtomicReference<>();
  private int depth;

  SingleCaller(String what) {
    this.what = what;
  }

  /**
   * Begins a use; {@link #release} must follow.
   *
   * @throws IllegalStateException if another thread is using the object
   */
  void acquire(String operation) {
    if (!isMine() && !owner.compareAndSet(null, Thread.currentThread())) {
      throw new IllegalStateException(
          operation + ": another thread is using this " + what + ", which takes one at a time");
    }
    ++depth;
  }

  /** Ends a use. */
  void release() {
    if (--depth == 0) {
      owner.set(null);
    }
  }

  /** Whether this very thread is using the object. */
  boolean isMine() {
    return owner.get() == Thread.currentThread();
  }
}
