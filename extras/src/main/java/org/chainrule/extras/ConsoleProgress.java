package org.chainrule.extras;

import java.io.Console;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.chainrule.FitListener;
import org.chainrule.Progress;

/**
 * A progress bar for {@code fit}: the part that is done, the time left, loss and samples a second.
 * On a terminal it moves; in a log there is a line now and then.
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
  private ProgressBar bar;
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
          "progress bar: expected a task and 0 steps or more, but came " + task + ", " + steps);
    }
    this.task = task;
    this.steps = steps;
  }

  @Override
  public void onProgress(Progress progress) {
    if (bar == null) {
      // this fit began with its first epoch, or in the middle of it
      before = (progress.epoch() - 1) * progress.examples();
      long samples = progress.epochs() * progress.examples() - before;
      bar = progress.epochs() == 0 ? bar(steps == 0 ? -1 : steps, " steps") : bar(samples, "");
    }
    bar.stepTo(
        progress.epochs() == 0
            ? progress.steps()
            : (progress.epoch() - 1) * progress.examples() + progress.samples() - before);
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
    if (bar != null) {
      bar.close();
    }
  }

  private ProgressBar bar(long most, String unit) {
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(most)
            .setUnit(unit, 1)
            .setStyle(ProgressBarStyle.ASCII);
    return onTerminal()
        ? builder.setUpdateIntervalMillis(TERMINAL_INTERVAL).build()
        : builder
            .setUpdateIntervalMillis(LOG_INTERVAL)
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
