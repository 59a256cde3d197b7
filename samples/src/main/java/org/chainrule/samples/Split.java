package org.chainrule.samples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The rows that are used for training and those that are held out for testing. */
record Split(int[] training, int[] heldOut) {
  /**
   * Returns a random split in which the same proportion of every class is held out. The held-out
   * part is one fold out of {@code folds}.
   */
  static Split stratified(int[] labels, int folds, long seed) {
    return folds(labels, folds, seed).get(0);
  }

  /** Returns the splits of a cross-validation. Each row is held out in exactly one of them. */
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
