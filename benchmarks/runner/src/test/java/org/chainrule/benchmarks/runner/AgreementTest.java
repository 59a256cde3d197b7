package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.chainrule.benchmarks.runner.Agreement.Value;
import org.junit.jupiter.api.Test;

class AgreementTest {
  @Test
  void valuesWithinATenthOfAPercentAgree() {
    assertEquals(
        List.of("The losses of djl, torch agree within 0.1 % in all 2 comparisons."),
        Agreement.sentences(
            "losses",
            List.of(
                new Value("tiny", "torch", 1),
                new Value("tiny", "djl", 1.001),
                new Value("wide", "torch", 7),
                new Value("wide", "djl", 7))));
  }

  @Test
  void aLibraryThatDiffersIsNamed() {
    assertEquals(
        List.of("The losses DIFFER in tiny: djl has 1.1, the median of all is 1."),
        Agreement.sentences(
                "losses",
                List.of(
                    new Value("tiny", "torch", 1),
                    new Value("tiny", "djl", 1.1),
                    new Value("tiny", "chainrule", 1)))
            .stream()
            .map(sentence -> sentence.replace("1.10000", "1.1").replace("1.00000", "1"))
            .toList());
  }

  @Test
  void aSingleLibraryIsNotCompared() {
    assertEquals(
        List.of("There are no two libraries whose losses could be compared."),
        Agreement.sentences(
            "losses",
            List.of(new Value("tiny", "torch", 1), new Value("tiny", "floor", Double.NaN))));
  }
}
