package org.chainrule.visual.progress;

import java.io.Console;
import java.util.Locale;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.chainrule.FitListener;
import org.chainrule.Progress;

/**
 * A progress bar for {@code fit}. It shows the completed part, the remaining time, the loss and the
 * samples per second. On a terminal the bar is updated in place. In a log, a file or a {@linkplain
 * #logger logger} it prints a line every two seconds, and one at the end.
 *
 * <pre>{@code
 * try (ConsoleProgress bar = new ConsoleProgress("digits")) {
 *   trainer.listener(bar).fit(data, 32, 20);
 * }
 * }</pre>
 *
 * <p>A bar serves one {@code fit}. Not thread-safe: only the thread that trains may use it.
 */
public final class ConsoleProgress implements FitListener, AutoCloseable {
  private static final int TERMINAL_INTERVAL = 100;
  private static final int LOG_INTERVAL = 2000;
  private static final int LOG_WIDTH = 120;

  private final String task;
  private final long steps;
  private Lines lines;
  private int interval = LOG_INTERVAL;
  private ProgressBar bar;
  private boolean closed;
  private long before;

  /**
   * Creates a bar for a {@code fit} over epochs.
   *
   * @param task the text before the bar
   */
  public ConsoleProgress(String task) {
    this(task, 0);
  }

  /**
   * Creates a bar for {@code fitSteps}.
   *
   * @param task the text before the bar
   * @param steps the number of steps; 0 to train over epochs
   */
  public ConsoleProgress(String task, long steps) {
    if (task == null || steps < 0) {
      throw new IllegalArgumentException(
          "progress bar: expected a task and at least 0 steps, but got " + task + ", " + steps);
    }
    this.task = task;
    this.steps = steps;
    this.lines = onTerminal() ? null : new Lines(System.out::println);
  }

  /**
   * Sends the lines to a logger at the level {@code INFO}, also if the program runs on a terminal.
   *
   * @param logger for example {@code System.getLogger("training")}
   * @return this bar
   * @throws IllegalArgumentException if the logger is null or training has begun
   */
  public ConsoleProgress logger(System.Logger logger) {
    if (logger == null || bar != null) {
      throw new IllegalArgumentException(
          "progress bar: expected a logger before training, but got "
              + (logger == null ? "null" : "one after the first step"));
    }
    return lines(line -> logger.log(System.Logger.Level.INFO, line), LOG_INTERVAL);
  }

  /** Sends the lines to a consumer at a given interval. Only tests use this. */
  ConsoleProgress lines(Consumer<String> out, int milliseconds) {
    lines = new Lines(out);
    interval = milliseconds;
    return this;
  }

  @Override
  public void onProgress(Progress progress) {
    if (closed) {
      return;
    }
    if (bar == null) {
      // a fit may continue after earlier epochs, which do not belong to this bar
      before = (progress.epoch() - 1) * progress.examples();
      long samples = progress.epochs() * progress.examples() - before;
      bar = progress.epochs() == 0 ? bar(steps == 0 ? -1 : steps, " steps") : bar(samples, "");
    }
    long done =
        progress.epochs() == 0
            ? progress.steps()
            : (progress.epoch() - 1) * progress.examples() + progress.samples() - before;
    if (lines != null && done == bar.getMax()) {
      lines.hold();
    }
    bar.stepTo(done);
    bar.setExtraMessage(
        String.format(
            Locale.ROOT,
            " epoch %d, loss %.4g, %,.0f samples/s",
            progress.epoch(),
            progress.loss(),
            progress.samplesPerSecond()));
  }

  /** Shows the last state and ends the bar. */
  @Override
  public void close() {
    if (bar == null || closed) {
      return;
    }
    closed = true;
    if (lines != null) {
      lines.hold();
    }
    bar.close();
    if (lines != null) {
      lines.end();
    }
  }

  private ProgressBar bar(long most, String unit) {
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(most)
            .setUnit(unit, 1)
            .setStyle(ProgressBarStyle.ASCII);
    return lines == null
        ? builder.setUpdateIntervalMillis(TERMINAL_INTERVAL).build()
        : builder
            .setUpdateIntervalMillis(interval)
            .setConsumer(new DelegatingProgressBarConsumer(lines, LOG_WIDTH))
            .build();
  }

  /**
   * Forwards lines and removes duplicates. The bar prints its last state when it is reached and
   * twice when the bar is closed, each time with a different duration. Of these lines, only the
   * last one is forwarded.
   */
  private static final class Lines implements Consumer<String> {
    private final Consumer<String> out;
    private String last = "";
    private String held;
    private boolean holding;

    Lines(Consumer<String> out) {
      this.out = out;
    }

    /** Receives a line. The bar calls this on its own thread. */
    @Override
    public synchronized void accept(String line) {
      if (holding) {
        held = line;
      } else {
        pass(line);
      }
    }

    synchronized void hold() {
      holding = true;
    }

    synchronized void end() {
      if (held != null) {
        pass(held);
      }
    }

    private void pass(String line) {
      String text = line.stripTrailing();
      if (!text.equals(last)) {
        last = text;
        out.accept(text);
      }
    }
  }

  /**
   * Returns true if the program runs on a terminal. Since Java 22 a console can exist without a
   * terminal, and {@code Console.isTerminal()} distinguishes them.
   */
  private static boolean onTerminal() {
    Console console = System.console();
    try {
      return console != null && (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException olderJava) {
      return true;
    }
  }
}
