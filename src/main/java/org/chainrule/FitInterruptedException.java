package org.chainrule;

/**
 * The thread was interrupted while it was in {@code fit}. The thread's interrupt flag is still set.
 * The steps done so far are whole: training may go on with another {@code fit}.
 */
public final class FitInterruptedException extends ChainruleException {
  private static final long serialVersionUID = 1L;

  /** Steps done by the interrupted call. */
  private final long steps;

  FitInterruptedException(long steps) {
    super(
        "fit: the thread was interrupted after " + steps + " steps; training can go on from there");
    this.steps = steps;
  }

  /**
   * How many steps the interrupted call had done.
   *
   * @return a number of steps, 0 or more
   */
  public long steps() {
    return steps;
  }
}
