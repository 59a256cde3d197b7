package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DigitsTest {
  @TempDir Path folder;

  @Test
  void fiveSeedsReachTheAccuracyAndASecondProgramPredictsTheSame() throws Exception {
    Path file = folder.resolve("digits.safetensors");
    Digits.Result result = Digits.run(file);
    assertEquals(5, result.runs().size());
    assertTrue(result.median() >= Digits.MEDIAN_ACCURACY, () -> "median of " + result.runs());
    assertTrue(result.least() >= Digits.LEAST_ACCURACY, () -> "least of " + result.runs());
    assertTrue(result.sameBits(), "the loaded model predicts different values");
    assertTrue(Files.size(file) > 0);
  }

  @Test
  void theSmallestDifferenceOfAPredictionIsDetected() throws Exception {
    Path file = folder.resolve("digits.safetensors");
    float[] predictions;
    try (DigitsNetwork network = new DigitsNetwork(Digits.SETTINGS, 1)) {
      network.model().save(file);
      predictions = network.logits(Digits.heldOutPart());
    }
    assertTrue(Digits.secondProgram(file, predictions));
    predictions[7] = Math.nextUp(predictions[7]);
    assertFalse(Digits.secondProgram(file, predictions));
  }

  @Test
  void theHeldOutQuarterIsStratifiedAndNotTrainedOn() {
    int[] labels = Table.digits().labels(DigitsNetwork.PIXELS);
    assertEquals(1797, labels.length);
    Split split = Split.stratified(labels, 4, 0);
    int[] all =
        IntStream.concat(Arrays.stream(split.training()), Arrays.stream(split.heldOut()))
            .sorted()
            .toArray();
    assertEquals(
        IntStream.range(0, labels.length).boxed().toList(), Arrays.stream(all).boxed().toList());
    for (int digit = 0; digit < DigitsNetwork.CLASSES; ++digit) {
      int label = digit;
      long count = Arrays.stream(labels).filter(i -> i == label).count();
      long heldOut = Arrays.stream(split.heldOut()).filter(i -> labels[i] == label).count();
      assertEquals(count / 4.0, heldOut, 1, "digit " + digit);
    }
  }
}
