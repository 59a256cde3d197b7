package org.chainrule.benchmarks.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.chainrule.benchmarks.Answer;
import org.chainrule.benchmarks.Measured;

/** Starts measuring processes and waits for them. */
final class Child {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();

  private final ClassPath classPath;
  private final Path logs;
  private final Path cache;
  private final long limitSeconds;

  /**
   * @param target the folder for logs and unpacked native libraries
   * @param limitSeconds the time after which a process is killed
   */
  Child(ClassPath classPath, Path target, long limitSeconds) throws IOException {
    this.classPath = classPath;
    this.logs = Files.createDirectories(target.resolve("logs"));
    this.cache = target.resolve("javacpp");
    this.limitSeconds = limitSeconds;
  }

  /** Measures once. An error is returned as the answer's "failure". */
  Map<String, Object> run(Job job) throws InterruptedException {
    String name = job.toString().replaceAll("[^a-z0-9.-]+", "-");
    Path output = logs.resolve(name + ".out");
    Path errors = logs.resolve(name + ".err");
    try {
      Process process = start(job, output, errors);
      Thread shutdownHook = new Thread(process::destroyForcibly);
      Runtime.getRuntime().addShutdownHook(shutdownHook);
      try {
        if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
          return failure("took longer than " + limitSeconds + " s");
        }
      } finally {
        process.destroyForcibly().waitFor();
        Runtime.getRuntime().removeShutdownHook(shutdownHook);
      }
      for (String line : Files.readAllLines(output)) {
        if (line.startsWith(Answer.MARK)) {
          return check(job.variant(), Json.read(line.substring(Answer.MARK.length())));
        }
      }
      return failure("ended with status " + process.exitValue() + " without an answer");
    } catch (IOException e) {
      return failure(e.getMessage());
    }
  }

  /** Returns a failure if MKL was requested but not loaded, which is otherwise silent. */
  private static Map<String, Object> check(Variant variant, Map<String, Object> answer) {
    return variant.mkl() && answer.get("blas") instanceof String blas && !blas.contains("MKL")
        ? failure("expected MKL to compute, but got " + blas)
        : answer;
  }

  private Process start(Job job, Path output, Path errors) throws IOException {
    List<String> command = new ArrayList<>(List.of(JAVA, "-Xmx4g"));
    command.addAll(job.variant().options());
    // a separate folder, because other programs can unpack other jars of the same name
    command.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    command.add("-D" + Measured.STARTED + "=" + Instant.now());
    command.add("-classpath");
    command.add(classPath.of(job.variant()));
    command.add(Measured.class.getName());
    command.addAll(job.request().arguments());
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(job.variant().environment());
    return builder.redirectOutput(output.toFile()).redirectError(errors.toFile()).start();
  }

  private static Map<String, Object> failure(String reason) {
    return Map.of("failure", reason);
  }
}
