package org.chainrule.benchmarks.runner;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.chainrule.benchmarks.Workload;

/**
 * The options of the command line.
 *
 * @param seconds the duration of a process's warm-up, and also that of its measurement
 * @param limit the seconds after which a process is killed
 * @param folder the folder 'benchmarks'
 */
record Options(
    List<Workload> workloads,
    List<Variant> variants,
    List<Integer> threads,
    Set<Section> sections,
    int rounds,
    double seconds,
    long limit,
    Path folder) {
  private static final long LIMIT = 180;
  private static final int ROUNDS = 3;
  private static final double QUICK_SECONDS = 0.15;
  private static final double FULL_SECONDS = 1;

  /**
   * Parses the arguments: quick, full or some, followed by options with values.
   *
   * @param cores the number of cores of the machine
   * @throws IllegalArgumentException if an argument is invalid
   */
  static Options parse(int cores, Path folder, String... arguments) {
    String mode = arguments.length == 0 ? "" : arguments[0];
    if (!List.of("quick", "full", "some").contains(mode)) {
      throw new IllegalArgumentException(
          "-Dbench: expected quick, full or some, but got '" + mode + "'.");
    }
    boolean quick = mode.equals("quick");
    List<Workload> workloads =
        Stream.of(Workload.values()).filter(w -> !quick || w != Workload.ALEX_FC).toList();
    List<Variant> variants =
        Variant.ALL.stream()
            .filter(v -> !quick || (v.role() != Variant.Role.PEER && !v.mkl()))
            .toList();
    List<Integer> threads = quick || cores == 1 ? List.of(cores) : List.of(1, cores);
    Set<Section> sections = new LinkedHashSet<>(quick ? Section.QUICK : Section.FULL);
    int rounds = ROUNDS;
    double seconds = quick ? QUICK_SECONDS : FULL_SECONDS;
    long limit = LIMIT;
    for (int i = 1; i < arguments.length; i += 2) {
      String option = arguments[i];
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(option + ": expected a value, but got none.");
      }
      String value = arguments[i + 1];
      switch (option) {
        case "--workloads" -> workloads = workloads(value);
        case "--libraries" -> variants = variants(value);
        case "--threads" ->
            threads = names(value).map(v -> (int) number(option, v, 1)).distinct().toList();
        case "--sections" -> sections = sections(value);
        case "--rounds" -> rounds = (int) number(option, value, 1);
        case "--seconds" -> seconds = number(option, value, 0);
        case "--limit" -> limit = (long) number(option, value, 1);
        default ->
            throw new IllegalArgumentException(
                option
                    + ": expected --workloads, --libraries, --threads, --sections, --rounds,"
                    + " --seconds or --limit.");
      }
    }
    return new Options(workloads, variants, threads, sections, rounds, seconds, limit, folder);
  }

  private static Stream<String> names(String value) {
    return Arrays.stream(value.split(",")).map(String::strip).filter(name -> !name.isEmpty());
  }

  private static List<Workload> workloads(String value) {
    try {
      return names(value).map(Workload::of).toList();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("--workloads: " + e.getMessage(), e);
    }
  }

  /** Returns all variants of a library's name, and one variant of a variant's name. */
  private static List<Variant> variants(String value) {
    Set<Variant> chosen = new LinkedHashSet<>();
    names(value)
        .forEach(
            name -> {
              List<Variant> found =
                  Variant.ALL.stream()
                      .filter(v -> v.library().equals(name) || v.name().equals(name))
                      .toList();
              if (found.isEmpty()) {
                throw unknown(
                    "--libraries",
                    name,
                    Variant.ALL.stream().flatMap(v -> Stream.of(v.library(), v.name())).distinct());
              }
              chosen.addAll(found);
            });
    return List.copyOf(chosen);
  }

  private static Set<Section> sections(String value) {
    return names(value)
        .map(
            name ->
                Stream.of(Section.values())
                    .filter(section -> section.label().equals(name))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            unknown(
                                "--sections",
                                name,
                                Stream.of(Section.values()).map(Section::label))))
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private static double number(String option, String value, double minimum) {
    try {
      double number = Double.parseDouble(value);
      if (number >= minimum && (minimum == 0 || number == Math.rint(number))) {
        return number;
      }
    } catch (NumberFormatException e) {
      // reported below
    }
    String expected = minimum == 0 ? "a number of 0 or more" : "a whole number of 1 or more";
    throw new IllegalArgumentException(
        String.format(Locale.ROOT, "%s: expected %s, but got '%s'.", option, expected, value));
  }

  private static IllegalArgumentException unknown(
      String option, String name, Stream<String> known) {
    return new IllegalArgumentException(
        option
            + ": expected one of "
            + known.collect(Collectors.joining(", "))
            + ", but got '"
            + name
            + "'.");
  }
}
