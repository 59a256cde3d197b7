package org.chainrule;

/**
 * The progress of {@code fit}.
 *
 * @param epoch the current epoch, counted from 1; at the end of an epoch, the epoch that has just
 *     ended
 * @param epochs the epoch after which this {@code fit} ends, or 0 if it ends after a number of
 *     steps
 * @param samples the number of samples of the epoch that have been used
 * @param examples the number of samples in an epoch
 * @param loss the mean loss of the samples of the epoch so far; each loss is measured before the
 *     update of its step
 * @param samplesPerSecond the mean speed of this {@code fit} so far
 * @param steps the number of steps of this {@code fit} so far
 */
public record Progress(
    long epoch,
    long epochs,
    long samples,
    long examples,
    double loss,
    double samplesPerSecond,
    long steps) {
  /**
   * Returns whether the epoch has just ended.
   *
   * @return true if all its samples have been used
   */
  public boolean isEpochEnd() {
    return samples == examples;
  }
}
