package org.chainrule;

/** Receives the progress of {@code fit}. */
@FunctionalInterface
public interface FitListener {
  /**
   * Receives the current progress. {@code fit} calls this method between two steps, in the thread
   * that trains: at the end of each epoch, and otherwise about every 50 ms.
   *
   * <p>The method may use the trainer, for example {@link Trainer#evaluate}, {@link Trainer#save},
   * {@link Trainer#learningRate(double)} or {@link Trainer#stop}, but must not close it. An
   * exception that it throws ends {@code fit}.
   *
   * @param progress the current progress
   */
  void onProgress(Progress progress);

  /**
   * Returns a listener that calls this listener and then another one.
   *
   * @param next the listener to call second
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
