package org.chainrule.benchmarks.runner;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The class path of the process that measures a library. It is read from target/classpath.txt,
 * which the Maven build of each module writes.
 */
final class ClassPath {
  /** Jars with native libraries for platforms other than linux-x86_64. */
  private static final Pattern FOREIGN =
      Pattern.compile(
          ".*-(windows|win|macosx|osx|android|ios|linux-(?!x86_64))[-a-z0-9_]*.*\\.jar");

  /** Jars of the benchmark and of JMH, which do not belong to the measured library. */
  private static final Pattern OURS =
      Pattern.compile(
          "chainrule-benchmarks-.*|jmh-core-.*|jopt-simple-.*|commons-math3-3\\.6\\.1.*");

  private final Path folder;

  /**
   * @param folder the folder 'benchmarks'
   */
  ClassPath(Path folder) {
    this.folder = folder;
  }

  /** Returns true if all modules that the variant needs have been built. */
  boolean isBuilt(Variant variant) {
    return Files.exists(file(variant.library())) && (!variant.mkl() || Files.exists(file("mkl")));
  }

  /** Returns the class path with which the variant's process is started. */
  String of(Variant variant) throws IOException {
    return String.join(File.pathSeparator, entries(variant).stream().map(Path::toString).toList());
  }

  /** Returns the size, in bytes, of each jar that an application would ship. */
  List<Long> sizes(Variant variant) throws IOException {
    List<Long> sizes = new ArrayList<>();
    for (Path entry : entries(variant)) {
      String name = entry.getFileName().toString();
      if (Files.isRegularFile(entry) && counts(name)) {
        sizes.add(Files.size(entry));
      }
    }
    return sizes;
  }

  static boolean counts(String jar) {
    return !FOREIGN.matcher(jar).matches() && !OURS.matcher(jar).matches();
  }

  private List<Path> entries(Variant variant) throws IOException {
    List<Path> entries = new ArrayList<>();
    entries.add(folder.resolve(variant.library()).resolve("target").resolve("classes"));
    for (String module :
        variant.mkl() ? List.of(variant.library(), "mkl") : List.of(variant.library())) {
      String paths = Files.readString(file(module)).strip();
      Stream.of(paths.split(File.pathSeparator))
          .filter(path -> !path.isEmpty())
          .map(Path::of)
          .filter(path -> !entries.contains(path))
          .forEach(entries::add);
    }
    return entries;
  }

  private Path file(String module) {
    return folder.resolve(module).resolve("target").resolve("classpath.txt");
  }
}
