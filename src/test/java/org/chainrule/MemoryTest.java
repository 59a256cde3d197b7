package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What steps allocate and what is left behind, in JVMs of their own with a fixed heap. */
@Timeout(300)
class MemoryTest {
  private static Map<String, Long> run(String program, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    // surefire's own class path may be a single jar that names the others
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    command.addAll(List.of("-cp", path, MemoryCheck.class.getName(), program));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    Map<String, Long> numbers = new TreeMap<>();
    output
        .lines()
        .map(line -> line.split("="))
        .filter(parts -> parts.length == 2)
        .forEach(parts -> numbers.put(parts[0], Long.parseLong(parts[1])));
    return numbers;
  }

  @Test
  void stepsAllocateNothingAndNothingIsLeft() throws IOException, InterruptedException {
    Map<String, Long> numbers =
        run("steps", "-Xms64m", "-Xmx64m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC");
    System.out.println("memory of 100,000 steps and 10,000 cycles: " + numbers);
    assertEquals(0, numbers.get("nativeAllocations"), numbers::toString);
    assertEquals(0, numbers.get("nativeBytesWhileTraining"), numbers::toString);
    assertEquals(0, numbers.get("javaBytesOfSteps"), numbers::toString);
    assertEquals(0, numbers.get("javaBytesOfDirectSteps"), numbers::toString);
    assertEquals(0, numbers.get("javaBytesOfPredictions"), numbers::toString);
    assertEquals(0, numbers.get("nativeBytesLeft"), numbers::toString);
    assertTrue(numbers.get("residentGrowth") < 8 << 20, numbers::toString);
  }

  @Test
  void aModelOfOneGibibyteTrainsBesideASmallHeap() throws IOException, InterruptedException {
    Map<String, Long> numbers = run("large", "-Xmx64m");
    assertEquals(1L << 30, numbers.get("parameterBytes"), numbers::toString);
    assertEquals(1, numbers.get("improved"), numbers::toString);
    assertEquals(0, numbers.get("nativeBytesLeft"), numbers::toString);
  }
}
