package org.chainrule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Checks in separate JVMs with a fixed heap that steps allocate nothing and leak nothing. */
@Timeout(300)
class MemoryTest {
  private static Map<String, Long> run(String program, String... options)
      throws IOException, InterruptedException {
    Map<String, Long> numbers = new TreeMap<>();
    Jvm.run(Jvm.classPath(), List.of(options), MemoryCheck.class, program)
        .lines()
        .map(line -> line.split("="))
        .filter(parts -> parts.length == 2)
        .forEach(parts -> numbers.put(parts[0], Long.parseLong(parts[1])));
    return numbers;
  }

  @Test
  void stepsAllocateNothingAndNothingLeaks() throws IOException, InterruptedException {
    // only C1 compiles: the memory of C2 would count as growth of the library
    Map<String, Long> numbers =
        run(
            "steps",
            "-Xms64m",
            "-Xmx64m",
            "-XX:+AlwaysPreTouch",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1");
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
  void aModelOfOneGibibyteTrainsWithASmallHeap() throws IOException, InterruptedException {
    Map<String, Long> numbers = run("large", "-Xmx64m");
    assertEquals(1L << 30, numbers.get("parameterBytes"), numbers::toString);
    assertEquals(1, numbers.get("improved"), numbers::toString);
    assertEquals(0, numbers.get("nativeBytesLeft"), numbers::toString);
  }
}
