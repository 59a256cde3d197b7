package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a program in a separate JVM, for tests that need other options or another class path. */
final class Jvm {
  /** Since this version the JVM warns about native code, which would be part of the output. */
  private static final int FIRST_WITH_WARNING = 24;

  private Jvm() {}

  /** Returns the entries of this JVM's class path. */
  static List<String> classPath() {
    // java.class.path may be a single jar of Surefire whose manifest names the other entries
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return List.of(path.split(File.pathSeparator));
  }

  /** Runs the program and returns its output. Fails if its exit status is not 0. */
  static String run(
      List<String> classPath, List<String> options, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= FIRST_WITH_WARNING) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(options);
    command.addAll(List.of("-cp", String.join(File.pathSeparator, classPath), program.getName()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output.replaceAll("(?m)^Picked up JAVA_TOOL_OPTIONS: .*\\R", "");
  }
}
