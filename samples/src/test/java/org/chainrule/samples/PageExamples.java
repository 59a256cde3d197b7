package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Extracts the Java programs of a page, and compiles and runs them unchanged. */
final class PageExamples {
  /** Since this version the JVM warns about native code, which would be part of the output. */
  private static final int FIRST_WITH_WARNING = 24;

  private PageExamples() {}

  static List<String> of(Path page) throws IOException {
    return Pattern.compile("^```java\n(.*?)^```", Pattern.DOTALL | Pattern.MULTILINE)
        .matcher(Files.readString(page))
        .results()
        .map(result -> result.group(1))
        .toList();
  }

  static String name(String source) {
    Matcher name = Pattern.compile("public class (\\w+)").matcher(source);
    assertTrue(name.find(), "expected a public class");
    return name.group(1);
  }

  /** Runs a program in the folder of the samples' data and returns what it prints. */
  static String run(String source, Path folder) throws Exception {
    String name = name(source);
    compile(name, source, folder);
    Path data = Path.of(Table.class.getResource("iris.csv").toURI()).getParent();
    Path output = folder.resolve("output.txt");
    String classPath =
        folder + System.getProperty("path.separator") + System.getProperty("java.class.path");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= FIRST_WITH_WARNING) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of("-Duser.language=en", "-classpath", classPath, name));
    Process program =
        new ProcessBuilder(command)
            .directory(data.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    int exitCode = program.waitFor();
    String printed = Files.readString(output, StandardCharsets.UTF_8);
    assertEquals(0, exitCode, printed);
    return printed.replaceAll("(?m)^Picked up JAVA_TOOL_OPTIONS: .*\\R", "");
  }

  private static void compile(String name, String source, Path folder) {
    JavaFileObject file =
        new SimpleJavaFileObject(
            URI.create("string:///" + name + ".java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter errors = new StringWriter();
    List<String> options =
        List.of("-classpath", System.getProperty("java.class.path"), "-d", folder.toString());
    boolean compiled = compiler.getTask(errors, null, null, options, null, List.of(file)).call();
    assertTrue(compiled, errors::toString);
  }
}
