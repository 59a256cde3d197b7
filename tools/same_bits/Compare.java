import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Compares the numbers of two builds per network and prints the differences. */
public final class Compare {
  private static final int MAX_DIFFERENCES = 6;

  private Compare() {}

  /**
   * Prints one line per network, followed by its differences. The exit status is 1 if a network
   * differs that is not allowed to differ.
   *
   * @param arguments the networks that are allowed to differ, separated by commas; then, for each
   *     way to compute, its name and two files
   */
  public static void main(String[] arguments) throws IOException {
    Set<String> excepted = new TreeSet<>(Arrays.asList(arguments[0].split(",")));
    excepted.remove("");
    Map<String, List<String>> differences = new LinkedHashMap<>();
    Map<String, Long> counts = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i += 3) {
      compare(arguments[i], read(arguments[i + 1]), read(arguments[i + 2]), differences, counts);
    }
    Set<String> unknown = new TreeSet<>(excepted);
    unknown.removeAll(differences.keySet());
    if (!unknown.isEmpty()) {
      System.err.println(
          "--except: expected networks of " + differences.keySet() + ", but got " + unknown);
      System.exit(2);
    }
    boolean bad = false;
    for (Map.Entry<String, List<String>> entry : differences.entrySet()) {
      String network = entry.getKey();
      List<String> found = entry.getValue();
      boolean differs = !found.isEmpty();
      bad |= differs && !excepted.contains(network);
      System.out.printf(
          "%-16s %s%s (%,d numbers)%n",
          network,
          differs ? "DIFFERENT" : "same",
          excepted.contains(network) ? ", allowed to differ" : "",
          counts.get(network));
      found.stream().limit(MAX_DIFFERENCES).forEach(text -> System.out.println("    " + text));
      if (found.size() > MAX_DIFFERENCES) {
        System.out.println("    and " + (found.size() - MAX_DIFFERENCES) + " more arrays");
      }
    }
    System.exit(bad ? 1 : 0);
  }

  private static void compare(
      String way,
      Map<String, Map<String, double[]>> old,
      Map<String, Map<String, double[]>> now,
      Map<String, List<String>> differences,
      Map<String, Long> counts) {
    Set<String> networks = new TreeSet<>(old.keySet());
    networks.addAll(now.keySet());
    for (String network : networks) {
      List<String> found = differences.computeIfAbsent(network, name -> new ArrayList<>());
      Map<String, double[]> a = old.getOrDefault(network, Map.of());
      Map<String, double[]> b = now.getOrDefault(network, Map.of());
      for (String key : a.keySet()) {
        if (b.containsKey(key)) {
          String difference = difference(a.get(key), b.get(key));
          if (difference != null) {
            found.add(way + ": " + key + ": " + difference);
          }
          counts.merge(network, (long) a.get(key).length, Long::sum);
        } else {
          found.add(way + ": " + key + ": missing in the second");
        }
      }
      for (String key : b.keySet()) {
        if (!a.containsKey(key)) {
          found.add(way + ": " + key + ": missing in the first");
        }
      }
    }
  }

  private static String difference(double[] a, double[] b) {
    if (a.length != b.length) {
      return a.length + " numbers in the first, in the second " + b.length;
    }
    int count = 0;
    int first = -1;
    double largest = 0;
    double most = 0;
    for (int i = 0; i < a.length; ++i) {
      // compares bits, so that 0 and -0 differ
      if (Double.doubleToRawLongBits(a[i]) != Double.doubleToRawLongBits(b[i])) {
        first = count++ == 0 ? i : first;
        largest = Math.max(largest, Math.abs(a[i] - b[i]));
      }
      most = Math.max(most, Math.abs(a[i]));
    }
    return count == 0
        ? null
        : String.format(
            Locale.ROOT,
            "%d of %d differ, first [%d]: %s and %s; largest difference %.2g, largest number %.2g",
            count,
            a.length,
            first,
            a[first],
            b[first],
            largest,
            most);
  }

  /** Reads a file of {@link Recorder} into arrays per network and key. */
  private static Map<String, Map<String, double[]>> read(String file) throws IOException {
    Map<String, Map<String, double[]>> networks = new LinkedHashMap<>();
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(Files.newInputStream(Path.of(file)), 1 << 16))) {
      while (true) {
        String network;
        try {
          network = in.readUTF();
        } catch (EOFException e) {
          return networks;
        }
        Map<String, double[]> arrays =
            networks.computeIfAbsent(network, name -> new LinkedHashMap<>());
        String key = in.readUTF();
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; ++i) {
          values[i] = in.readDouble();
        }
        // arrays with the same key are numbered in their order
        String unique = key;
        for (int i = 2; arrays.containsKey(unique); ++i) {
          unique = key + " (" + i + ")";
        }
        arrays.put(unique, values);
      }
    }
  }
}
