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
 * A progress bar for {@code fit}: the part that is done, the time left, loss and samples a second.
 * On a terminal it moves; in a log, a file or a {@linkplain #logger logger} there is a line every
 * two seconds, and one at the end.
 *
 * <pre>{@code
 * try (ConsoleProgress bar = new ConsoleProgress("digits")) {
 *   trainer.listener(bar).fit(data, 32, 20);
 * }
 * }</pre>
 *
 * <p>It is for one {@code fit}, and used by the thread that trains.
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
   * For a {@code fit} over epochs.
   *
   * @param task what stands before the bar
   */
  public ConsoleProgress(String task) {
    this(task, 0);
  }

  /**
   * For {@code fitSteps}.
   *
   * @param task what stands before the bar
   * @param steps how many steps there will be; 0 if training goes over epochs
   */
  public ConsoleProgress(String task, long steps) {
    if (task == null || steps < 0) {
      throw new IllegalArgumentException(
          "progress bar: expected a task and 0 steps or more, got " + task + ", " + steps);
    }
    this.task = task;
    this.steps = steps;
    this.lines = onTerminal() ? null : new Lines(System.out::println);
  }

  /**
   * Sends the lines to a logger, at the level {@code INFO}, wherever the program runs.
   *
   * @param logger for example {@code System.getLogger("training")}
   * @return this bar
   * @throws IllegalArgumentException if the logger is null or training has begun
   */
  public ConsoleProgress logger(System.Logger logger) {
    if (logger == null || bar != null) {
      throw new IllegalArgumentException(
          "progress bar: expected a logger before training, got "
              + (logger == null ? "null" : "one after the first step"));
    }
    return lines(line -> logger.log(System.Logger.Level.INFO, line), LOG_INTERVAL);
  }

  /** For tests, which do not wait for seconds. */
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
      // this fit began with its first epoch, or in the middle of it
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
   * Passes lines on. The bar shows its end when it gets there and twice when it is closed, each
   * time with another duration: of these, only the last is passed on.
   */
  private static final class Lines implements Consumer<String> {
    private final Consumer<String> out;
    private String last = "";
    private String held;
    private boolean holding;

    Lines(Consumer<String> out) {
      this.out = out;
    }

    /** Called by the bar's own thread. */
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
