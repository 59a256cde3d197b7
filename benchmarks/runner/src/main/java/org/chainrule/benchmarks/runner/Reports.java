package org.chainrule.benchmarks.runner;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The table of each section. */
final class Reports {
  private static final double MEGA = 1e6;

  private final ClassPath classPath;

  Reports(ClassPath classPath) {
    this.classPath = classPath;
  }

  Table of(Section section, Contests contests, List<Variant> variants) throws IOException {
    Table table =
        switch (section) {
          case TRAINING, OPTIMIZERS, GROWTH -> training(section, contests);
          case INFERENCE -> inference(section, contests);
          case ALLOCATION -> allocation(section, contests);
          case COLD_START -> coldStart(section, contests);
          case SIZE -> size(section, variants);
          case BUSY -> busy(section, contests);
          case BANDWIDTH -> bandwidth(section, contests);
        };
    contests
        .jobs()
        .filter(job -> contests.of(job).failure() != null)
        .forEach(job -> table.note("FAILED: " + job + ": " + contests.of(job).failure() + "."));
    return table;
  }

  private static Table training(Section section, Contests contests) {
    Table table =
        table(
            section,
            4,
            contests.floors(),
            "workload",
            "threads",
            "library",
            "BLAS",
            "ms",
            "spread",
            "GFLOP/s",
            "× best peer");
    contests
        .jobs()
        .forEach(
            job -> {
              Measurement measurement = contests.of(job);
              List<String> row =
                  texts(
                      job.place(),
                      String.valueOf(job.request().threads()),
                      job.variant().name(),
                      measurement.text("blas"),
                      milliseconds(measurement),
                      Format.percent(measurement.spread()),
                      Format.number(measurement.gigaflops()),
                      Format.number(contests.toBestPeer(job)));
              contests.floors().forEach(f -> row.add(Format.number(contests.toFloor(job, f))));
              table.row(row);
            });
    Agreement.sentences("losses", values(contests, "loss")).forEach(table::note);
    return table;
  }

  private static Table inference(Section section, Contests contests) {
    Table table =
        table(
            section,
            5,
            contests.floors(),
            "workload",
            "samples",
            "threads",
            "library",
            "BLAS",
            "p50 µs",
            "p99 µs",
            "spread",
            "× best peer");
    contests
        .jobs()
        .forEach(
            job -> {
              Measurement measurement = contests.of(job);
              boolean failed = measurement.failure() != null;
              List<String> row =
                  texts(
                      job.workload(),
                      String.valueOf(job.request().batchSize()),
                      String.valueOf(job.request().threads()),
                      job.variant().name(),
                      measurement.text("blas"),
                      failed ? "failed" : Format.number(measurement.number("p50_us")),
                      Format.number(measurement.number("p99_us")),
                      Format.percent(measurement.spread()),
                      Format.number(contests.toBestPeer(job)));
              contests.floors().forEach(f -> row.add(Format.number(contests.toFloor(job, f))));
              table.row(row);
            });
    Agreement.sentences("outputs", values(contests, "magnitude")).forEach(table::note);
    return table;
  }

  private static Table allocation(Section section, Contests contests) {
    Table table =
        new Table(
            section.title(),
            3,
            List.of("workload", "threads", "library", "Java bytes", "native allocations"));
    contests
        .jobs()
        .filter(job -> job.variant().role() != Variant.Role.FLOOR)
        .forEach(
            job -> {
              Measurement measurement = contests.of(job);
              table.row(
                  List.of(
                      job.workload(),
                      String.valueOf(job.request().threads()),
                      job.variant().name(),
                      measurement.failure() != null
                          ? "failed"
                          : Format.number(measurement.number("java_bytes_per_step")),
                      Format.number(measurement.number("native_allocations_per_step"))));
            });
    return table;
  }

  private static Table coldStart(Section section, Contests contests) {
    Table table =
        new Table(section.title(), 2, List.of("library", "BLAS", "s", "spread", "× best peer"));
    contests
        .jobs()
        .forEach(
            job -> {
              Measurement measurement = contests.of(job);
              boolean failed = measurement.failure() != null;
              table.row(
                  List.of(
                      job.variant().name(),
                      measurement.text("blas"),
                      failed ? "failed" : Format.number(measurement.number("seconds")),
                      Format.percent(measurement.spread()),
                      Format.number(contests.toBestPeer(job))));
            });
    return table;
  }

  private Table size(Section section, List<Variant> variants) throws IOException {
    Table table = new Table(section.title(), 1, List.of("library", "jars", "MB"));
    for (Variant variant : variants) {
      if (variant.role() != Variant.Role.FLOOR && !variant.fits()) {
        List<Long> sizes = classPath.sizes(variant);
        double bytes = sizes.stream().mapToLong(Long::longValue).sum();
        table.row(
            List.of(
                variant.name(),
                String.valueOf(sizes.size()),
                String.format(Locale.ROOT, "%.1f", bytes / MEGA)));
      }
    }
    return table;
  }

  private static Table busy(Section section, Contests contests) {
    Table table =
        new Table(
            section.title(),
            4,
            List.of(
                "workload",
                "threads",
                "library",
                "BLAS",
                "quiet ms",
                "busy ms",
                "spread",
                "busy / quiet",
                "× best peer"));
    contests
        .jobs()
        .filter(Job::busy)
        .forEach(
            job -> {
              Measurement measurement = contests.of(job);
              double quiet = contests.milliseconds(job.quiet());
              table.row(
                  List.of(
                      job.workload(),
                      String.valueOf(job.request().threads()),
                      job.variant().name(),
                      measurement.text("blas"),
                      Format.number(quiet),
                      milliseconds(measurement),
                      Format.percent(measurement.spread()),
                      Format.number(contests.milliseconds(job) / quiet),
                      Format.number(contests.toBestPeer(job))));
            });
    return table;
  }

  private static Table bandwidth(Section section, Contests contests) {
    Table table = new Table(section.title(), 1, List.of("threads", "copy GB/s", "triad GB/s"));
    contests
        .jobs()
        .forEach(
            job ->
                table.row(
                    List.of(
                        String.valueOf(job.request().threads()),
                        Format.number(contests.of(job).number("copy_gb_s")),
                        Format.number(contests.of(job).number("triad_gb_s")))));
    table.note(
        "Loops in Java over arrays of 256 MiB, the best of several tries. Per byte, a copy"
            + " transfers 2 bytes and a triad a = b + s c transfers 3.");
    return table;
  }

  private static Table table(Section section, int texts, List<Variant> floors, String... header) {
    List<String> all = texts(header);
    floors.forEach(floor -> all.add("× " + floor.name()));
    return new Table(section.title(), texts, all);
  }

  private static List<String> texts(String... values) {
    return new ArrayList<>(List.of(values));
  }

  private static String milliseconds(Measurement measurement) {
    return measurement.failure() != null
        ? "failed"
        : Format.number(measurement.medianMilliseconds());
  }

  private static List<Agreement.Value> values(Contests contests, String key) {
    return contests
        .jobs()
        .filter(job -> job.variant().role() != Variant.Role.FLOOR)
        .filter(job -> contests.of(job).succeeded())
        .map(
            job ->
                new Agreement.Value(
                    job.place() + ", threads " + job.request().threads(),
                    job.variant().name(),
                    contests.of(job).number(key)))
        .toList();
  }
}
