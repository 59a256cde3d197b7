package org.chainrule.visual.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.ResourceBundle;
import org.chainrule.Progress;
import org.junit.jupiter.api.Test;

/** Tests the progress of a training without a terminal. */
class ConsoleProgressTest {
  private static final Progress MIDDLE = new Progress(3, 4, 10, 40, 0.25, 1500, 1);
  private static final Progress END = new Progress(4, 4, 40, 40, 0.125, 1500, 2);

  /** A logger that stores its messages. */
  private static final class Kept implements System.Logger {
    private final List<String> messages = Collections.synchronizedList(new ArrayList<>());

    @Override
    public String getName() {
      return "kept";
    }

    @Override
    public boolean isLoggable(Level level) {
      return true;
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
      messages.add(level + " " + message);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... values) {
      messages.add(level + " " + format);
    }
  }

  @Test
  void aBarShowsLossAndSpeed() {
    PrintStream before = System.out;
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    System.setOut(new PrintStream(shown, true, StandardCharsets.UTF_8));
    try (ConsoleProgress bar = new ConsoleProgress("task")) {
      bar.onProgress(MIDDLE);
      bar.onProgress(END);
    } finally {
      System.setOut(before);
    }
    String text = shown.toString(StandardCharsets.UTF_8);
    assertTrue(text.contains("task 100%"), text);
    assertTrue(text.contains("80/80"), "expected the two epochs of this fit out of four: " + text);
    assertTrue(text.contains("epoch 4, loss 0.1250, 1,500 samples/s"), text);
  }

  /** The bar stays at its end for more than a second, so that the duration in its line changes. */
  @Test
  void theLastLineIsPrintedOnce() throws Exception {
    List<String> lines = Collections.synchronizedList(new ArrayList<>());
    ConsoleProgress bar = new ConsoleProgress("task").lines(lines::add, 20);
    bar.onProgress(MIDDLE);
    Thread.sleep(200);
    bar.onProgress(END);
    Thread.sleep(1500);
    bar.close();
    bar.close();
    bar.onProgress(END);
    assertTrue(lines.stream().anyMatch(line -> line.contains("10/80")), lines::toString);
    List<String> ends = lines.stream().filter(line -> line.contains("80/80")).toList();
    assertEquals(1, ends.size(), lines::toString);
    assertEquals(lines.get(lines.size() - 1), ends.get(0));
    assertTrue(ends.get(0).contains("loss 0.1250"), ends::toString);
  }

  /** The bar may print a line when it begins. The next update would be a minute later. */
  @Test
  void aStoppedTrainingPrintsItsLastState() {
    List<String> lines = Collections.synchronizedList(new ArrayList<>());
    try (ConsoleProgress bar = new ConsoleProgress("task", 100).lines(lines::add, 60_000)) {
      bar.onProgress(new Progress(1, 0, 10, 40, 0.5, 1500, 7));
    }
    assertTrue(lines.size() == 1 || lines.size() == 2, lines::toString);
    String last = lines.get(lines.size() - 1);
    assertTrue(last.contains("7/100 steps") && last.contains("loss 0.5000"), lines::toString);
  }

  @Test
  void aLoggerReceivesAllLinesAndStandardOutputNone() {
    PrintStream before = System.out;
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    System.setOut(new PrintStream(shown, true, StandardCharsets.UTF_8));
    Kept logger = new Kept();
    try (ConsoleProgress bar = new ConsoleProgress("task").logger(logger)) {
      bar.onProgress(MIDDLE);
      bar.onProgress(END);
      assertThrows(IllegalArgumentException.class, () -> bar.logger(logger));
    } finally {
      System.setOut(before);
    }
    assertEquals("", shown.toString(StandardCharsets.UTF_8));
    List<String> ends = logger.messages.stream().filter(m -> m.contains("80/80")).toList();
    assertEquals(1, ends.size(), logger.messages::toString);
    assertTrue(ends.get(0).startsWith("INFO task"), ends::toString);
  }

  @Test
  void refusesInvalidArguments() {
    String message =
        assertThrows(IllegalArgumentException.class, () -> new ConsoleProgress("task", -1))
            .getMessage();
    assertEquals("progress bar: expected a task and at least 0 steps, but got task, -1", message);
    assertThrows(IllegalArgumentException.class, () -> new ConsoleProgress(null));
    assertThrows(IllegalArgumentException.class, () -> new ConsoleProgress("task").logger(null));
  }
}
