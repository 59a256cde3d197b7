package org.chainrule.benchmarks.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs the chosen sections for the chosen libraries and writes the results. */
public final class Main {
  private static final int COLD_STARTS = 5;
  private static final long NANOSECONDS = 1_000_000_000;

  private final Options options;
  private final Path target;
  private final ClassPath classPath;
  private final Lab lab;
  private final List<Map<String, Object>> results = new ArrayList<>();
  private final StringBuilder markdown = new StringBuilder();
  private boolean ownFailed;

  private Main(Options options) throws IOException {
    this.options = options;
    target = Files.createDirectories(options.folder().resolve("target"));
    classPath = new ClassPath(options.folder());
    lab = new Lab(new Child(classPath, target, options.limit()));
  }

  /**
   * Runs the benchmark. The working directory must be the folder 'benchmarks'.
   *
   * @param arguments the command line; see {@link Options#parse}
   * @throws IOException if results cannot be written
   * @throws InterruptedException if this thread is interrupted
   */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path folder = Path.of("").toAbsolutePath();
    int cores = Runtime.getRuntime().availableProcessors();
    Options options;
    try {
      options = Options.parse(cores, folder, arguments);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.exit(2);
      return;
    }
    System.exit(new Main(options).run() ? 0 : 1);
  }

  /**
   * Measures all chosen sections and writes the results after each. Returns false if no chosen
   * library is built, or if a measurement of Chainrule or of a floor (the matrix products alone)
   * failed. Failures of other libraries are only reported.
   */
  private boolean run() throws IOException, InterruptedException {
    long begin = System.nanoTime();
    List<Variant> variants = options.variants().stream().filter(classPath::isBuilt).toList();
    for (Variant variant : options.variants()) {
      if (!variants.contains(variant)) {
        System.err.println("Skipping " + variant + ": it has not been built.");
      }
    }
    if (variants.isEmpty()) {
      System.err.println("Nothing to measure: none of the chosen libraries has been built.");
      return false;
    }
    Plan plan = new Plan(options, variants);
    for (Section section : options.sections()) {
      measure(section, plan, variants);
      write();
    }
    long seconds = (System.nanoTime() - begin) / NANOSECONDS;
    System.out.printf(
        "Wrote the results to %s (results.json, results.md, charts) after %d s.%n",
        target, seconds);
    return !ownFailed;
  }

  private void measure(Section section, Plan plan, List<Variant> variants)
      throws IOException, InterruptedException {
    List<List<Job>> groups = plan.groups(section);
    List<Job> jobs = groups.stream().flatMap(List::stream).toList();
    System.err.printf("%s: %d jobs%n", section.title(), jobs.size());
    for (List<Job> group : groups) {
      if (section == Section.BUSY) {
        // first measures the same jobs without a busy core, except those that an earlier section
        // has measured
        lab.measure(group.stream().map(Job::quiet).toList(), options.rounds());
        try (BusyCore busy = new BusyCore()) {
          lab.measure(group, options.rounds());
        }
      } else {
        boolean cold = section == Section.COLD_START && options.rounds() > 1;
        lab.measure(group, cold ? COLD_STARTS : options.rounds());
      }
    }
    Contests contests = new Contests(lab, jobs);
    Table table = new Reports(classPath).of(section, contests, variants);
    if (table.isEmpty()) {
      System.out.println(section.title() + ": no results for the chosen options.\n");
      return;
    }
    System.out.println(table.text());
    markdown.append(table.markdown()).append("\n");
    contests
        .jobs()
        .forEach(
            job -> {
              Measurement measurement = lab.of(job);
              results.add(Results.fields(section, job, measurement));
              ownFailed |=
                  measurement.failure() != null && job.variant().role() != Variant.Role.PEER;
            });
    Charts.draw(section, contests, target.resolve("charts"));
  }

  private void write() throws IOException {
    Json.write(target.resolve("results.json"), results);
    Files.writeString(target.resolve("results.md"), markdown);
  }
}
