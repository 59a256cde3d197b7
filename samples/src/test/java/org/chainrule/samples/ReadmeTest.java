package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Compiles and runs the README's example unchanged. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final int MOST_LINES = 25;
  private static final double MOST_LOSS = 0.2;
  private static final double LEAST_PERCENT = 80;

  @TempDir Path folder;

  @Test
  void theExampleCompilesAndLearns() throws Exception {
    List<String> examples = PageExamples.of(README);
    assertEquals(1, examples.size(), "number of Java code blocks");
    String source = examples.get(0);
    assertTrue(source.lines().count() <= MOST_LINES, () -> source.lines().count() + " lines");

    String printed = PageExamples.run(source, folder);
    Matcher numbers = Pattern.compile("loss ([\\d.]+); .* ([\\d.]+) %").matcher(printed);
    assertTrue(numbers.find(), () -> "expected a loss and a probability, but got: " + printed);
    assertTrue(Double.parseDouble(numbers.group(1)) <= MOST_LOSS, printed);
    assertTrue(Double.parseDouble(numbers.group(2)) >= LEAST_PERCENT, printed);
  }

  @Test
  void theReadmeShowsTwoCommands() throws IOException {
    String section =
        Files.readString(README).split("(?m)^## Build from source$")[1].split("(?m)^## ")[0];
    Matcher block = Pattern.compile("```\\w*\n(.*?)```", Pattern.DOTALL).matcher(section);
    assertTrue(block.find(), "expected a code block");
    List<String> commands = block.group(1).lines().toList();
    assertEquals(2, commands.size(), commands::toString);
    assertTrue(commands.get(0).contains("-Dsample=Digits"), commands::toString);
    assertTrue(commands.get(1).startsWith("mvn "), commands::toString);
  }
}
