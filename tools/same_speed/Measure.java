import java.util.Arrays;
import java.util.Locale;
import java.util.ServiceLoader;
import org.chainrule.benchmarks.Contender;
import org.chainrule.benchmarks.Network;
import org.chainrule.benchmarks.Workload;

/**
 * The measuring process. It measures one workload with one build and prints one line with the
 * nanoseconds per training step.
 */
public final class Measure {
  /**
   * The duration of a sample, in seconds. It is so short that other processes that run from time to
   * time do not disturb most samples.
   */
  private static final double SAMPLE = 0.001;

  private static final int WARM_UPS = 10;

  private Measure() {}

  /**
   * Measures the time of a step.
   *
   * @param arguments the workload, the optimizer, the number of threads, and the seconds of the
   *     warm-up, which is also the duration of the measurement
   */
  public static void main(String[] arguments) throws Exception {
    Network network = Network.of(Workload.of(arguments[0]));
    Workload.Optimizer optimizer =
        Workload.Optimizer.valueOf(arguments[1].toUpperCase(Locale.ROOT));
    int threads = Integer.parseInt(arguments[2]);
    double seconds = Double.parseDouble(arguments[3]);
    Contender contender = ServiceLoader.load(Contender.class).findFirst().orElseThrow();
    // the learning rate is so small that the loss never overflows, whatever the number of steps
    try (Contender.Training training = contender.train(network, optimizer, 1e-6f, threads)) {
      double step = time(training, 1);
      // the JVM recompiles the loop during the first samples
      for (int i = 0; i < WARM_UPS; ++i) {
        step = Math.min(step, time(training, steps(step, seconds / WARM_UPS)));
      }
      int steps = steps(step, SAMPLE);
      double[] samples = new double[steps(step * steps, seconds)];
      for (int i = 0; i < samples.length; ++i) {
        samples[i] = time(training, steps);
      }
      Arrays.sort(samples);
      if (network.labels != null && !Double.isNaN(training.loss()) && !(training.loss() > 0)) {
        throw new IllegalStateException("expected a positive loss, but got " + training.loss());
      }
      System.out.printf(
          Locale.ROOT, "ns %.3f%n", samples[samples.length / 2] / training.stepsPerCall());
    }
  }

  private static int steps(double step, double seconds) {
    return (int) Math.max(1, Math.min(1e8, seconds * 1e9 / Math.max(step, 1)));
  }

  /** Returns the nanoseconds per call. */
  private static double time(Contender.Training training, int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; ++i) {
      training.step();
    }
    return (double) (System.nanoTime() - start) / calls;
  }
}
