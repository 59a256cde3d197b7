package org.chainrule.benchmarks.runner;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Checks that all libraries have computed the same results and so have done the same work. */
final class Agreement {
  private static final double TOLERANCE = 1e-3;

  /**
   * A number that should be the same for all libraries.
   *
   * @param contest the computation, such as "mnist-s, 2 threads"
   */
  record Value(String contest, String library, double value) {}

  private Agreement() {}

  /**
   * Compares the values of all libraries.
   *
   * @param what the name of the values: losses or outputs
   * @return one sentence if all agree, otherwise one sentence per value that differs
   */
  static List<String> sentences(String what, List<Value> values) {
    Map<String, List<Value>> contests =
        values.stream()
            .filter(value -> Double.isFinite(value.value()))
            .collect(
                Collectors.groupingBy(
                    Value::contest, java.util.LinkedHashMap::new, Collectors.toList()));
    List<String> sentences = new ArrayList<>();
    int compared = 0;
    TreeSet<String> libraries = new TreeSet<>();
    for (Map.Entry<String, List<Value>> contest : contests.entrySet()) {
      List<Value> all = contest.getValue();
      if (all.size() < 2) {
        continue;
      }
      ++compared;
      double middle = Statistics.median(all.stream().mapToDouble(Value::value).toArray());
      for (Value value : all) {
        libraries.add(value.library());
        if (Math.abs(value.value() - middle) > TOLERANCE * Math.abs(middle)) {
          sentences.add(
              String.format(
                  Locale.ROOT,
                  "The %s DIFFER in %s: %s has %.6g, the median of all is %.6g.",
                  what,
                  contest.getKey(),
                  value.library(),
                  value.value(),
                  middle));
        }
      }
    }
    if (compared == 0) {
      return List.of("There are no two libraries whose " + what + " could be compared.");
    }
    if (sentences.isEmpty()) {
      sentences.add(
          String.format(
              Locale.ROOT,
              "The %s of %s agree within 0.1 %% in all %d comparisons.",
              what,
              String.join(", ", libraries),
              compared));
    }
    return sentences;
  }
}
