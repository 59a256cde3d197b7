package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests that the programs of docs/debugging.md print what the page shows. */
class DebuggingPageTest {
  private static final Path PAGE = Path.of("..", "docs", "debugging.md");

  @TempDir Path folder;

  private String run(String name) throws Exception {
    Map<String, String> examples =
        PageExamples.of(PAGE).stream().collect(Collectors.toMap(PageExamples::name, s -> s));
    return PageExamples.run(examples.get(name), folder);
  }

  @Test
  void aWrongDerivativeIsNamed() throws Exception {
    String printed = run("WrongDerivative");
    assertTrue(printed.contains("do NOT agree"), printed);
    assertTrue(Pattern.compile("found in (hidden|linear_|x)").matcher(printed).find(), printed);
    // the page shows the beginning of what the program prints
    String shown = Files.readString(PAGE).split("It prints, for example,\\s*```\\n")[1];
    assertTrue(printed.startsWith(shown.split("```")[0]), printed);
  }

  @Test
  void theFirstNanIsNamed() throws Exception {
    String printed = run("FirstNan").strip();
    assertTrue(Files.readString(PAGE).contains("\n" + printed + "\n"), printed);
    assertTrue(printed.contains("batch row 36, feature 1, example 236"), printed);
  }

  @Test
  void deltasVanish() throws Exception {
    Matcher norms = Pattern.compile("delta norm (\\S+)").matcher(run("Vanishing"));
    double[] all = norms.results().mapToDouble(m -> Double.parseDouble(m.group(1))).toArray();
    assertEquals(10, all.length);
    assertTrue(all[0] < 1e-3 * all[9]);
  }
}
