package org.chainrule.benchmarks.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.chainrule.benchmarks.Workload;
import org.junit.jupiter.api.Test;

class OptionsTest {
  private static final Path FOLDER = Path.of("benchmarks");

  private static Options parse(String... arguments) {
    return Options.parse(4, FOLDER, arguments);
  }

  private static String error(String... arguments) {
    return assertThrows(IllegalArgumentException.class, () -> parse(arguments)).getMessage();
  }

  @Test
  void quickMeasuresChainruleAndTheFloorWithoutTheLargestWorkload() {
    Options quick = parse("quick");
    assertEquals(
        List.of("chainrule", "chainrule-blas", "chainrule (fit)", "floor-openblas"),
        quick.variants().stream().map(Variant::name).toList());
    assertEquals(List.of(4), quick.threads());
    assertFalse(quick.workloads().contains(Workload.ALEX_FC));
    assertEquals(Set.of(Section.TRAINING, Section.INFERENCE, Section.ALLOCATION), quick.sections());
  }

  @Test
  void fullMeasuresEverything() {
    Options full = parse("full");
    assertEquals(Variant.ALL, full.variants());
    assertEquals(List.of(1, 4), full.threads());
    assertEquals(List.of(Workload.values()), full.workloads());
    assertEquals(Set.of(Section.values()), full.sections());
  }

  @Test
  void optionsSelect() {
    Options options =
        parse(
            "full",
            "--workloads",
            "mnist-s,tiny",
            "--libraries",
            "torch-mkl,chainrule",
            "--threads",
            "2",
            "--sections",
            "cold-start",
            "--rounds",
            "5",
            "--seconds",
            "0.5");
    assertEquals(List.of(Workload.MNIST_S, Workload.TINY), options.workloads());
    assertEquals("torch-mkl", options.variants().get(0).name());
    assertEquals(5, options.variants().size());
    assertEquals(List.of(2), options.threads());
    assertEquals(Set.of(Section.COLD_START), options.sections());
    assertEquals(5, options.rounds());
    assertEquals(0.5, options.seconds());
  }

  @Test
  void invalidOptionsAreRefused() {
    assertEquals("-Dbench: expected quick, full or some, but got 'Step'.", error("Step"));
    assertEquals("--rounds: expected a value, but got none.", error("full", "--rounds"));
    assertEquals(
        "--rounds: expected a whole number of 1 or more, but got '0'.",
        error("full", "--rounds", "0"));
    assertEquals(
        "--seconds: expected a number of 0 or more, but got 'long'.",
        error("full", "--seconds", "long"));
    assertTrue(error("full", "--turns", "1").startsWith("--turns: expected --workloads, "));
    assertEquals(
        "--workloads: expected one of tiny, mnist-s, mnist-m, wide, alex-fc, deep, regress, skinny,"
            + " but got 'huge'.",
        error("full", "--workloads", "huge"));
    assertTrue(error("full", "--libraries", "caffe").endsWith("but got 'caffe'."));
    assertTrue(error("full", "--sections", "fun").endsWith("but got 'fun'."));
  }
}
