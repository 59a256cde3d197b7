package org.chainrule;

/**
 * Where training is.
 *
 * @param epoch the running epoch, from 1, or the one that has just ended
 * @param epochs the epoch after which this {@code fit} ends; 0 if it ends after a number of steps
 * @param samples how many of the epoch's samples have been trained on
 * @param examples how many samples the epoch has
 * @param loss the mean loss of the epoch's samples so far, each before the step that used it
 * @param samplesPerSecond how fast this {@code fit} has been so far
 * @param steps how many steps this {@code fit} has done so far
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
   * Whether the epoch has just ended.
   *
   * @return true if all its samples have been trained on
   */
  public boolean isEpochEnd() {
    return samples == examples;
  }
}
