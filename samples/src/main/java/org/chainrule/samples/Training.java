package org.chainrule.samples;

import java.io.Console;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.chainrule.Dataset;
import org.chainrule.FitListener;
import org.chainrule.Progress;
import org.chainrule.Trainer;

/** Trains with a progress bar, and says how long it took. */
record Training(double loss, double seconds, double samplesPerSecond) {
  private static final boolean ON_TERMINAL = onTerminal();
  private static final int LOG_WIDTH = 100;

  static Training fit(String task, Trainer trainer, Dataset data, int batchSize, int epochs) {
    return fit(task, trainer, data, batchSize, epochs, progress -> {});
  }

  /** The listener hears of each epoch's end, for example to lower the learning rate. */
  static Training fit(
      String task,
      Trainer trainer,
      Dataset data,
      int batchSize,
      int epochs,
      FitListener atEpochEnd) {
    try (ProgressBar bar = bar(task, epochs)) {
      trainer.listener(
          progress -> {
            if (progress.isEpochEnd()) {
              bar.stepTo(progress.epoch());
              bar.setExtraMessage(String.format(Locale.ROOT, " loss %.4g", progress.loss()));
              atEpochEnd.onProgress(progress);
            }
          });
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

  /** On a terminal a bar that moves; in a log a line now and then. */
  private static ProgressBar bar(String task, int epochs) {
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(epochs)
            .setUnit(" epochs", 1)
            .setStyle(ProgressBarStyle.ASCII);
    return ON_TERMINAL
        ? builder.setUpdateIntervalMillis(100).build()
        : builder
            .setUpdateIntervalMillis(2000)
            .setConsumer(new DelegatingProgressBarConsumer(newLines(), LOG_WIDTH))
            .build();
  }

  /** Prints what differs from the line before: closing a bar shows it once more. */
  private static Consumer<String> newLines() {
    AtomicReference<String> last = new AtomicReference<>("");
    return line -> {
      if (!line.equals(last.getAndSet(line))) {
        System.out.println(line.stripTrailing());
      }
    };
  }

  /** Since Java 22 there can be a console without a terminal, and a method that tells. */
  private static boolean onTerminal() {
    Console console = System.console();
    try {
      return console != null && (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException olderJava) {
      return true;
    }
  }
}
