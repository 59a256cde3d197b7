package org.chainrule;

/**
 * Thrown if the thread is interrupted while it is in {@code fit}. The interrupt flag of the thread
 * remains set. All steps so far are complete, so training can continue with another {@code fit}.
 */
public final class FitInterruptedException extends ChainruleException {
  private static final long serialVersionUID = 1L;

  /** The number of steps that the interrupted call completed. */
  private final long steps;

  FitInterruptedException(long steps) {
    super(
        "fit: the thread was interrupted after " + steps + " steps; training can go on from there");
    this.steps = steps;
  }

  /**
   * Returns the number of steps that the interrupted call completed.
   *
   * @return 0 or more
   */
  public long steps() {
    return steps;
  }
}
