package org.chainrule;

/** Hears how {@code fit} goes on, in the thread that trains, between two steps. */
@FunctionalInterface
public interface FitListener {
  /**
   * Called at each epoch's end, and otherwise about every 50 ms. The trainer may be used here, for
   * {@link Trainer#evaluate}, {@link Trainer#save}, {@link Trainer#learningRate(double)} or {@link
   * Trainer#stop}, but not closed. What is thrown here ends {@code fit}.
   *
   * @param progress where training is
   */
  void onProgress(Progress progress);

  /**
   * This listener and another one after it.
   *
   * @param next hears what this one has heard
   * @return a listener that calls both
   */
  default FitListener andThen(FitListener next) {
    Check.notNull(next, "andThen", "listener");
    return progress -> {
      onProgress(progress);
      next.onProgress(progress);
    };
  }
}
