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
 * The ratio of two builds' times, from rounds in each of which both were measured: its median, and
 * an interval that holds the true median with a probability of at least 95 %, whatever the
 * distribution. The interval is between two order statistics: of n ratios, as many as k are below
 * the median with the probability of k heads of n fair coins.
 */
public final class Ratios {
  private static final double LEAST = 0.97;
  private static final double MOST = 1.03;

  /**
   * A difference that counts as 1 % in the smallest network, whose step takes some microseconds.
   */
  private static final double TINY_PERCENT_NS = 30;

  private static final String TINY = "tiny";

  private Ratios() {}

  /**
   * Prints a line for each workload; ends with 1 if an interval is not within 0.97 to 1.03.
   *
   * @param arguments a file of lines: workload, nanoseconds of the old and of the new build
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
    boolean within = ratios[rank] >= LEAST && ratios[last] <= MOST;
    if (workload.equals(TINY)) {
      double most = TINY_PERCENT_NS * 100 * (MOST - 1);
      within |= differences[rank] >= -most && differences[last] <= most;
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
            : ratios[rank] > 1 || ratios[last] < 1 ? "DIFFERENT" : "not known: too much noise");
    return within;
  }

  /**
   * The largest r so that the interval from the r-th to the r-th last of n values holds the median
   * with at least 95 %.
   */
  static int rank(int n) {
    double probability = Math.pow(0.5, n); // of no value below the median
    double below = probability;
    int rank = -1;
    while (below <= 0.025) {
      ++rank;
      probability *= (double) (n - rank) / (rank + 1);
      below += probability;
    }
    if (rank < 0) {
      throw new IllegalArgumentException("expected 6 rounds or more, but got " + n);
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
