package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example is a program: it is compiled and run here as it stands there. */
class ReadmeTest {
  private static final Path README = Path.of("..", "README.md");
  private static final int MOST_LINES = 25;
  private static final double MOST_LOSS = 0.2;
  private static final double LEAST_PERCENT = 80;

  @TempDir Path folder;

  @Test
  void theExampleCompilesAndLearns() throws Exception {
    List<String> examples = blocks("java");
    assertEquals(1, examples.size(), "Java code blocks");
    String source = examples.get(0);
    assertTrue(source.lines().count() <= MOST_LINES, () -> source.lines().count() + " lines");
    Matcher name = Pattern.compile("public class (\\w+)").matcher(source);
    assertTrue(name.find(), "a public class");
    compile(name.group(1), source);

    String printed = run(name.group(1));
    Matcher numbers = Pattern.compile("loss ([\\d.]+); .* ([\\d.]+) %").matcher(printed);
    assertTrue(numbers.find(), () -> "no loss and no probability in: " + printed);
    assertTrue(Double.parseDouble(numbers.group(1)) <= MOST_LOSS, printed);
    assertTrue(Double.parseDouble(numbers.group(2)) >= LEAST_PERCENT, printed);
  }

  @Test
  void thereAreTwoCommands() throws IOException {
    String section =
        Files.readString(README).split("(?m)^## Two commands$")[1].split("(?m)^## ")[0];
    Matcher block = Pattern.compile("```\\w*\n(.*?)```", Pattern.DOTALL).matcher(section);
    assertTrue(block.find(), "a code block");
    List<String> commands = block.group(1).lines().toList();
    assertEquals(2, commands.size(), commands::toString);
    assertTrue(commands.get(0).contains("-Dsample=Digits"), commands::toString);
    assertTrue(commands.get(1).startsWith("mvn "), commands::toString);
  }

  private static List<String> blocks(String language) throws IOException {
    return Pattern.compile("^```" + language + "\n(.*?)^```", Pattern.DOTALL | Pattern.MULTILINE)
        .matcher(Files.readString(README))
        .results()
        .map(result -> result.group(1))
        .toList();
  }

  private void compile(String name, String source) {
    JavaFileObject file =
        new SimpleJavaFileObject(
            URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter complaints = new StringWriter();
    List<String> options =
        List.of("-classpath", System.getProperty("java.class.path"), "-d", folder.toString());
    boolean compiled =
        compiler.getTask(complaints, null, null, options, null, List.of(file)).call();
    assertTrue(compiled, complaints::toString);
  }

  /** Runs it where the data file is, as the README says. */
  private String run(String name) throws Exception {
    Path data = Path.of(Table.class.getResource("iris.csv").toURI()).getParent();
    Path output = folder.resolve("output.txt");
    String classPath =
        folder + System.getProperty("path.separator") + System.getProperty("java.class.path");
    Process program =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Duser.language=en",
                "-classpath",
                classPath,
                name)
            .directory(data.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int exitCode = program.waitFor();
    String printed = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(0, exitCode, printed);
    return printed;
  }
}
