package org.chainrule.benchmarks.runner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.chainrule.benchmarks.Request;
import org.chainrule.benchmarks.Workload;

/** The jobs of each section, in groups. The jobs of a group are measured alternately. */
final class Plan {
  private static final List<Workload> HEAVY = List.of(Workload.MNIST_M, Workload.WIDE);
  private static final List<Workload> LIGHT = List.of(Workload.MNIST_S, Workload.MNIST_M);
  private static final List<Workload> SINGLE_SAMPLE =
      List.of(Workload.TINY, Workload.MNIST_S, Workload.MNIST_M);
  private static final List<Workload> FITTED = List.of(Workload.TINY, Workload.REGRESS);
  private static final List<Integer> THREAD_COUNTS = List.of(1, 2, 4, 8);
  private static final int LARGE_BATCH = 1024;

  private final Options options;
  private final List<Variant> variants;
  private final int maxThreads;

  /**
   * @param variants the variants of the options that have been built
   */
  Plan(Options options, List<Variant> variants) {
    this.options = options;
    this.variants = variants;
    maxThreads = options.threads().stream().max(Integer::compare).orElseThrow();
  }

  List<List<Job>> groups(Section section) {
    return switch (section) {
      case TRAINING, ALLOCATION ->
          options.workloads().stream()
              .map(w -> training(w, List.of(Workload.Optimizer.SGD), options.threads(), false))
              .toList();
      case OPTIMIZERS ->
          chosen(HEAVY)
              .map(
                  w ->
                      training(
                          w,
                          List.of(Workload.Optimizer.MOMENTUM, Workload.Optimizer.ADAM),
                          options.threads(),
                          false))
              .toList();
      case INFERENCE -> inference();
      case COLD_START ->
          List.of(
              all(
                  "mnist-s",
                  request(Request.Kind.COLD_START, Workload.MNIST_S, 64, maxThreads),
                  false,
                  Variant.Role.OURS,
                  Variant.Role.PEER));
      case GROWTH -> growth();
      case BUSY ->
          chosen(LIGHT)
              .map(w -> training(w, List.of(Workload.Optimizer.SGD), List.of(maxThreads), true))
              .toList();
      case BANDWIDTH -> bandwidth();
      case SIZE -> List.of();
    };
  }

  private Stream<Workload> chosen(List<Workload> of) {
    return of.stream().filter(options.workloads()::contains);
  }

  private List<Job> training(
      Workload workload, List<Workload.Optimizer> optimizers, List<Integer> threads, boolean busy) {
    List<Job> jobs = new ArrayList<>();
    for (Workload.Optimizer optimizer : optimizers) {
      for (int count : threads) {
        Request request = Request.training(workload, optimizer, count, options.seconds());
        boolean plain = optimizer == Workload.Optimizer.SGD && !busy;
        for (Variant variant : variants) {
          // the products are the same for every optimizer
          boolean floor = variant.role() == Variant.Role.FLOOR && !plain && !busy;
          if (!floor && (!variant.fits() || (plain && FITTED.contains(workload)))) {
            jobs.add(new Job(variant, workload.label(), request, busy));
          }
        }
      }
    }
    return jobs;
  }

  private List<List<Job>> inference() {
    List<List<Job>> groups = new ArrayList<>();
    chosen(SINGLE_SAMPLE)
        .forEach(
            w ->
                groups.add(
                    all(w.label(), request(Request.Kind.INFERENCE, w, 1, 1), false, ALL_ROLES)));
    chosen(LIGHT)
        .forEach(
            w -> {
              List<Job> jobs = new ArrayList<>();
              for (int count : options.threads()) {
                Request request = request(Request.Kind.INFERENCE, w, LARGE_BATCH, count);
                jobs.addAll(all(w.label(), request, false, ALL_ROLES));
              }
              groups.add(jobs);
            });
    return groups;
  }

  private static final Variant.Role[] ALL_ROLES = Variant.Role.values();

  private List<List<Job>> growth() {
    List<List<Job>> groups = new ArrayList<>();
    for (int width = 64; width <= 4096; width *= 2) {
      groups.add(relu("width-" + width, 128, maxThreads, 784, width, width, 10));
    }
    for (int batch = 1; batch <= 4096; batch *= 4) {
      groups.add(relu("batch-" + batch, batch, maxThreads, Workload.MNIST_M.layers()));
    }
    for (int depth = 1; depth <= 16; depth *= 2) {
      int[] layers = new int[depth + 2];
      Arrays.fill(layers, 256);
      layers[depth + 1] = 10;
      groups.add(relu("depth-" + depth, 64, maxThreads, layers));
    }
    for (Workload workload : HEAVY) {
      List<Job> jobs = new ArrayList<>();
      for (int threads : THREAD_COUNTS) {
        if (threads <= maxThreads) {
          String name = workload.label() + ", threads-" + threads;
          Request request =
              Request.training(workload, Workload.Optimizer.SGD, threads, options.seconds());
          jobs.addAll(all(name, request, false, ALL_ROLES));
        }
      }
      groups.add(jobs);
    }
    return groups;
  }

  private List<Job> relu(String name, int batch, int threads, int... layers) {
    Request request =
        new Request(
            Request.Kind.TRAINING,
            Workload.Activation.RELU,
            Workload.Loss.SOFTMAX_CROSS_ENTROPY,
            batch,
            Arrays.stream(layers).boxed().toList(),
            Workload.Optimizer.SGD,
            threads,
            options.seconds());
    return all(name, request, false, ALL_ROLES);
  }

  private List<List<Job>> bandwidth() {
    List<Job> jobs = new ArrayList<>();
    variants.stream()
        .filter(variant -> variant.role() != Variant.Role.PEER)
        .findFirst()
        .ifPresent(
            variant ->
                options
                    .threads()
                    .forEach(
                        count ->
                            jobs.add(
                                new Job(
                                    variant,
                                    "memory",
                                    request(Request.Kind.BANDWIDTH, Workload.TINY, 1, count),
                                    false))));
    return List.of(jobs);
  }

  private Request request(Request.Kind kind, Workload workload, int batchSize, int threads) {
    return Request.of(
        kind, workload, batchSize, Workload.Optimizer.SGD, threads, options.seconds());
  }

  private List<Job> all(String name, Request request, boolean busy, Variant.Role... roles) {
    return variants.stream()
        .filter(variant -> !variant.fits() && Arrays.asList(roles).contains(variant.role()))
        .map(variant -> new Job(variant, name, request, busy))
        .toList();
  }
}
