package org.chainrule.samples;

import java.util.Locale;
import org.chainrule.Dataset;
import org.chainrule.FitListener;
import org.chainrule.Progress;
import org.chainrule.Trainer;
import org.chainrule.visual.progress.ConsoleProgress;

/** Trains with a progress bar. The record contains the final loss and the speed. */
record Training(double loss, double seconds, double samplesPerSecond) {
  static Training fit(String task, Trainer trainer, Dataset data, int batchSize, int epochs) {
    return fit(task, trainer, data, batchSize, epochs, progress -> {});
  }

  /** Calls the listener at the end of each epoch, for example to lower the learning rate. */
  static Training fit(
      String task,
      Trainer trainer,
      Dataset data,
      int batchSize,
      int epochs,
      FitListener atEpochEnd) {
    try (ConsoleProgress bar = new ConsoleProgress(task)) {
      trainer.listener(
          bar.andThen(
              progress -> {
                if (progress.isEpochEnd()) {
                  atEpochEnd.onProgress(progress);
                }
              }));
      long start = System.nanoTime();
      Progress end = trainer.fit(data, batchSize, epochs);
      double seconds = (System.nanoTime() - start) * 1e-9;
      return new Training(end.loss(), seconds, (double) data.examples() * epochs / seconds);
    }
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "loss %.4g, %.2f s, %,.0f samples/s", loss, seconds, samplesPerSecond);
  }
}
