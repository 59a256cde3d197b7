import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Computes the ratio of the times of two builds from rounds that measured both: its median and a
 * confidence interval that contains the true median with a probability of at least 95 %, whatever
 * the distribution is. The bounds of the interval are order statistics. The number of n ratios that
 * are below the median has the binomial distribution of n fair coins.
 */
public final class Ratios {
  private static final double MIN_RATIO = 0.97;
  private static final double MAX_RATIO = 1.03;

  /**
   * The difference that counts as 1 % in the smallest network, whose step takes a few microseconds.
   */
  private static final double TINY_PERCENT_NS = 30;

  private static final String TINY = "tiny";

  private Ratios() {}

  /**
   * Prints one line per workload. The exit status is 1 if an interval is not within 0.97 to 1.03.
   *
   * @param arguments a file whose lines contain the workload and the nanoseconds of the old and of
   *     the new build
   */
  public static void main(String[] arguments) throws IOException {
    Map<String, List<double[]>> rounds = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of(arguments[0]))) {
      String[] parts = line.split(" ");
      rounds
          .computeIfAbsent(parts[0], name -> new ArrayList<>())
          .add(new double[] {Double.parseDouble(parts[1]), Double.parseDouble(parts[2])});
    }
    System.out.printf(
        "%-10s %6s %12s %12s  %-25s %s%n",
        "workload", "rounds", "OLD ns", "NEW ns", "NEW / OLD (95 %)", "NEW - OLD in ns (95 %)");
    boolean good = true;
    for (Map.Entry<String, List<double[]>> entry : rounds.entrySet()) {
      good &= print(entry.getKey(), entry.getValue());
    }
    System.exit(good ? 0 : 1);
  }

  private static boolean print(String workload, List<double[]> rounds) {
    double[] old = sorted(rounds.stream().mapToDouble(r -> r[0]).toArray());
    double[] now = sorted(rounds.stream().mapToDouble(r -> r[1]).toArray());
    double[] ratios = sorted(rounds.stream().mapToDouble(r -> r[1] / r[0]).toArray());
    double[] differences = sorted(rounds.stream().mapToDouble(r -> r[1] - r[0]).toArray());
    int rank = rank(rounds.size());
    int last = rounds.size() - 1 - rank;
    boolean within = ratios[rank] >= MIN_RATIO && ratios[last] <= MAX_RATIO;
    if (workload.equals(TINY)) {
      double tolerance = TINY_PERCENT_NS * 100 * (MAX_RATIO - 1);
      within |= differences[rank] >= -tolerance && differences[last] <= tolerance;
    }
    System.out.printf(
        Locale.ROOT,
        "%-10s %6d %12.1f %12.1f  %.4f (%.4f to %.4f)  %+.1f (%+.1f to %+.1f)  %s%n",
        workload,
        rounds.size(),
        median(old),
        median(now),
        median(ratios),
        ratios[rank],
        ratios[last],
        median(differences),
        differences[rank],
        differences[last],
        within
            ? "same"
            : ratios[rank] > 1 || ratios[last] < 1 ? "DIFFERENT" : "unknown: too much noise");
    return within;
  }

  /**
   * Returns the largest r, counted from 0, for which the interval from the r-th to the r-th last of
   * n sorted values contains the median with a probability of at least 95 %.
   */
  static int rank(int n) {
    double probability = Math.pow(0.5, n); // the probability that no value is below the median
    double below = probability;
    int rank = -1;
    while (below <= 0.025) {
      ++rank;
      probability *= (double) (n - rank) / (rank + 1);
      below += probability;
    }
    if (rank < 0) {
      throw new IllegalArgumentException("expected at least 6 rounds, but got " + n);
    }
    return rank;
  }

  private static double[] sorted(double[] values) {
    Arrays.sort(values);
    return values;
  }

  private static double median(double[] sorted) {
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
