package org.chainrule.samples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Which rows are trained on and which are held out, to see what was learned. */
record Split(int[] training, int[] heldOut) {
  /**
   * A random split in which every class is held out in the same proportion. The held-out part is
   * that of one fold out of {@code folds}.
   */
  static Split stratified(int[] labels, int folds, long seed) {
    return folds(labels, folds, seed).get(0);
  }

  /** The splits of a cross-validation: each row is held out in exactly one of them. */
  static List<Split> folds(int[] labels, int folds, long seed) {
    Random random = new Random(seed);
    int[] foldOf = new int[labels.length];
    int next = 0;
    for (int label : Arrays.stream(labels).distinct().sorted().toArray()) {
      List<Integer> rows = new ArrayList<>();
      IntStream.range(0, labels.length).filter(i -> labels[i] == label).forEach(rows::add);
      Collections.shuffle(rows, random);
      for (int row : rows) {
        foldOf[row] = next++ % folds;
      }
    }
    return IntStream.range(0, folds)
        .mapToObj(
            fold ->
                new Split(
                    IntStream.range(0, labels.length).filter(i -> foldOf[i] != fold).toArray(),
                    IntStream.range(0, labels.length).filter(i -> foldOf[i] == fold).toArray()))
        .toList();
  }
}
