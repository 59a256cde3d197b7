package org.chainrule.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SmallSamplesTest {
  @ParameterizedTest
  @ValueSource(longs = {0, 1, 2})
  void irisesAreClassified(long splitSeed) {
    IrisClassification.Result result = IrisClassification.run(splitSeed);
    assertEquals(50, result.heldOut());
    assertTrue(result.accuracy() >= IrisClassification.LEAST_ACCURACY, result::toString);
  }

  @Test
  void ringsNeedPolynomialFeatures() {
    TwoRings.Result result = TwoRings.run();
    assertTrue(result.raw().accuracy() <= TwoRings.MOST_RAW_ACCURACY, result::toString);
    assertTrue(result.polynomial().accuracy() >= TwoRings.LEAST_ACCURACY, result::toString);
  }

  @Test
  void sigmoidsLearnTheRings() {
    Rings.Result result = TwoRingsLearned.run();
    assertTrue(result.accuracy() >= TwoRingsLearned.LEAST_ACCURACY, result::toString);
  }

  @Test
  void theAutoencoderReconstructsDigits() {
    TiedAutoencoder.Result result = TiedAutoencoder.run();
    double most = TiedAutoencoder.MOST_ERROR * result.meanImageError();
    assertTrue(result.error() <= most, result::toString);
  }

  @Test
  void accuracyAndMedianAreExact() {
    assertEquals(0.75, Score.accuracy(new int[] {1, 2, 3, 4}, new int[] {1, 2, 3, 0}));
    assertEquals(3, Score.median(5, 1, 3));
    assertEquals(2.5, Score.median(4, 1, 3, 2));
  }
}
