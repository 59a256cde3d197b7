package org.chainrule.benchmarks.runner;

import java.io.IOException;
import java.nio.file.Path;

/** A process that keeps one core busy until it is closed. */
final class BusyCore implements AutoCloseable {
  private final Process process;

  BusyCore() throws IOException {
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-classpath",
                System.getProperty("java.class.path"),
                BusyCore.class.getName())
            .start();
  }

  @Override
  public void close() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /**
   * The main method of the busy process. Counts until its parent process has ended, in case {@link
   * #close} is never called.
   *
   * @param arguments not used
   */
  public static void main(String[] arguments) {
    ProcessHandle parent = ProcessHandle.current().parent().orElseThrow();
    long count = 0;
    do {
      ++count;
    } while ((count & 0xfffffff) != 0 || parent.isAlive());
  }
}
