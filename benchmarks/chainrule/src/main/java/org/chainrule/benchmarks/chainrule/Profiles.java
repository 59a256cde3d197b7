package org.chainrule.benchmarks.chainrule;

import org.chainrule.Chainrule;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/** Prints the time of each phase of a training step. docs/performance.md has the command. */
public final class Profiles {
  private static final float LEARNING_RATE = 0.01f;

  /** Floating-point operations per measurement: about a second. */
  private static final double FLOPS = 1e11;

  private static final int MOST_STEPS = 100_000;
  private static final int FEWEST_STEPS = 5;

  private Profiles() {}

  /**
   * Profiles workloads with plain SGD.
   *
   * @param arguments the names of the workloads, separated by commas, and the number of threads
   */
  public static void main(String[] arguments) {
    if (arguments.length != 2) {
      throw new IllegalArgumentException(
          "Profiles: expected workloads and a number of threads, such as 'mnist-s,wide 2', but got "
              + arguments.length
              + " arguments");
    }
    Chainrule.threads(Integer.parseInt(arguments[1]));
    for (String name : arguments[0].split(",")) {
      Workload workload = Workload.of(name);
      Network network = Network.of(workload);
      int steps = (int) Math.max(FEWEST_STEPS, Math.min(MOST_STEPS, FLOPS / network.flops()));
      try (Steps training = new Steps(network, Workload.Optimizer.SGD, LEARNING_RATE)) {
        training.profile(steps); // warms up
        System.out.printf("%s: %s%n%s%n", name, network, training.profile(steps));
      }
    }
  }
}
